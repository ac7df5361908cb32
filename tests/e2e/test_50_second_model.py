"""Two models in one deployment live apart: adding, editing and breaking one leaves the other's replica alone."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from e2e import deployment, kube, serve_api
from e2e.deployment import FRANCE, QUESTIONS, Serving
from e2e.report import Report
from e2e.traffic import Traffic, traffic

ANSWER_SECONDS = 300.0


@contextmanager
def undisturbed(serving: Serving) -> Iterator[Traffic]:
    """Requests to the first model all the while; its replica is the same afterwards and none of them failed."""
    replicas = serve_api.replica_ids("demo", "demo")
    with traffic(serving.base_url(), "demo", FRANCE["question"], FRANCE["answer"]) as seen:
        yield seen
    assert seen.failures == []
    assert seen.answered > 0
    assert serve_api.replica_ids("demo", "demo") == replicas


@pytest.fixture(scope="module")
def second(serving: Serving, report: Report) -> str:
    """A second model, added to the running deployment."""
    model = copy.deepcopy(deployment.sample()["spec"]["models"][0])
    model |= {"name": "second", "aliases": ["gpt-4o"]}
    pods, cluster = kube.pods("demo"), _cluster(serving)
    with undisturbed(serving) as seen:
        kube.patch(kube.LLM, "demo", {"op": "add", "path": "/spec/models/-", "value": model})
        report.add("second model: added to Ready", serving.wait_ready(ANSWER_SECONDS))
    report.add("second model: requests to the first beside it", seen.answered, "")
    assert _cluster(serving) == cluster
    assert pods.items() <= kube.pods("demo").items()
    return "second"


def _cluster(serving: Serving) -> str:
    name: str = serving.rayservice()["status"]["activeServiceStatus"]["rayClusterName"]
    return name


def test_a_model_is_added_in_place(serving: Serving, second: str) -> None:
    status = kube.existing(kube.LLM, "demo")["status"]
    assert status["modelsReady"] == "2/2"
    question = QUESTIONS[1]
    assert serving.answer(question["question"], second) == question["answer"]


def test_an_engine_argument_restarts_that_model_only(serving: Serving, second: str, report: Report) -> None:
    pods, replicas = kube.pods("demo"), serve_api.replica_ids("demo", second)
    with undisturbed(serving):
        kube.patch(kube.LLM, "demo", {"op": "add", "path": "/spec/models/1/engine/maxNumSeqs", "value": 8})
        kube.until(
            "another replica of the second model runs",
            lambda: (now := serve_api.replica_ids("demo", second)) and now != replicas,
            seconds=ANSWER_SECONDS,
        )
        report.add("engine edit: to Ready", serving.wait_ready())
    assert kube.pods("demo") == pods
    assert serving.serves(second)


def test_a_hub_that_is_out_of_reach_is_said(serving: Serving, second: str, report: Report) -> None:
    """hf:// without a network: the engine's own words reach the condition, the first model serves, and an edit mends it."""
    good = {"op": "replace", "path": "/spec/models/1/source", "value": {"uri": "file:///models/demo"}}
    bad = {"op": "replace", "path": "/spec/models/1/source", "value": {"uri": "hf://nobody/no-such-model"}}
    pods = kube.pods("demo")
    with undisturbed(serving):
        kube.patch(kube.LLM, "demo", bad)
        try:
            ready = kube.until(
                "the engine's error in the condition",
                lambda: now if "nobody/no-such-model" in (now := deployment.state("demo")).message else None,
                seconds=ANSWER_SECONDS,
            )
            assert ready.status == "False"
            assert "second" in ready.message
        finally:
            kube.patch(kube.LLM, "demo", good)
        report.add("hub out of reach: mended to Ready", serving.wait_ready(ANSWER_SECONDS))
    assert kube.pods("demo") == pods
    assert serving.serves(second)
