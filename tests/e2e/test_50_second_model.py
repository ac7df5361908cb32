"""Two models in one deployment live apart: adding, editing and breaking one leaves the other's replica alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from catalogue import results
from demo.follow import State
from e2e import deployment, kube, serve_api
from e2e.deployment import FRANCE, QUESTIONS, Serving
from e2e.report import Report
from e2e.traffic import Traffic, traffic

ANSWER_SECONDS = 600.0


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
def broken_second(serving: Serving, report: Report) -> State:
    """A second model whose hub is out of reach, added to the running deployment; its condition."""
    document = deployment.two_models()
    document["spec"]["models"][1]["source"] = {"uri": "hf://nobody/no-such-model"}
    pods, cluster = kube.pods("demo"), _cluster(serving)
    with undisturbed(serving) as seen:
        begin = time.monotonic()
        kube.apply(document)
        state = deployment.until_condition("demo", "Ready", "ModelSourceUnreachable", seconds=ANSWER_SECONDS)
        report.add("hub out of reach: added to its condition", time.monotonic() - begin)
    report.add("hub out of reach: requests to the first model beside it", seen.answered, "")
    assert _cluster(serving) == cluster
    assert pods.items() <= kube.pods("demo").items()
    return state


@pytest.fixture(scope="module")
def second(serving: Serving, broken_second: State, report: Report) -> str:
    """The same model with its source mended, which is manifests/samples/two-models.yaml: it serves."""
    pods = kube.pods("demo")
    with undisturbed(serving) as seen:
        kube.apply(deployment.two_models())
        report.add("second model: mended to Ready", serving.wait_ready(ANSWER_SECONDS))
    report.add("second model: requests to the first beside it", seen.answered, "")
    assert kube.pods("demo") == pods
    return "second"


def _cluster(serving: Serving) -> str:
    name: str = serving.rayservice()["status"]["activeServiceStatus"]["rayClusterName"]
    return name


def test_a_hub_that_is_out_of_reach_is_said(serving: Serving, broken_second: State) -> None:
    """hf:// without a network: the condition says what to do, the model's entry has the engine's own words."""
    assert broken_second.status == "False"
    assert 'model "second"' in broken_second.message
    assert "do not reach the model hub" in broken_second.message
    assert "spec.models[1].source.uri" in broken_second.message


def test_an_edit_mends_it_in_place(serving: Serving, second: str) -> None:
    status = kube.existing(kube.LLM, "demo")["status"]
    assert status["modelsReady"] == "2/2"
    question = QUESTIONS[1]
    assert serving.answer(question["question"], second) == question["answer"]
    results.record("two-models", results.ACCEPTED, "yes")
    results.record("two-models", results.ON_CPU, "as it is, by an edit of demo")


def test_an_engine_argument_restarts_that_model_only(serving: Serving, second: str, report: Report) -> None:
    """In place, because it says so: Auto would start a second Ray cluster for a model with one replica that serves."""
    pods, replicas = kube.pods("demo"), serve_api.replica_ids("demo", second)
    with undisturbed(serving):
        begin = time.monotonic()
        kube.patch(
            kube.LLM,
            "demo",
            {"op": "add", "path": "/spec/rollout", "value": {"strategy": "InPlace"}},
            {"op": "add", "path": "/spec/models/1/engine/maxNumSeqs", "value": 8},
        )
        kube.until(
            "another replica of the second model runs",
            lambda: (now := serve_api.replica_ids("demo", second)) and now != replicas,
            seconds=ANSWER_SECONDS,
        )
        serving.wait_ready()
        report.add("engine edit: to Ready", time.monotonic() - begin)
    assert kube.pods("demo") == pods
    assert serving.serves(second)
