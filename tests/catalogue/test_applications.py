"""The four application samples on the real cluster: applied as they are, Ready, answered, on their own pods, edited in place."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import openai
import yaml
from catalogue import results, served
from cluster import names, ray_state
from e2e import kube, serve_api
from e2e.deployment import FRANCE
from e2e.kube import Object
from e2e.report import Report

SAMPLES: Final = names.ROOT / "manifests" / "samples"
REVIEW: Final = (
    "The food was excellent and the staff was friendly. We sat in the garden. The garden and the food were lovely."
)


def sample(name: str) -> Object:
    """manifests/samples/<name>.yaml."""
    document: Object = yaml.safe_load((SAMPLES / f"{name}.yaml").read_text())
    return document


@contextmanager
def applied(document: Object, report: Report) -> Iterator[str]:
    """Ready; the base URL of its Serve service. What the block says of it is recorded when all of it was true."""
    name = document["metadata"]["name"]
    with served.served(document) as seconds, served.reached(name) as url:
        report.add(f"{name}: apply to Ready", seconds)
        results.record(name, results.ACCEPTED, "yes")
        yield url
    simulated = any(model.get("engine", {}).get("type") == "Simulated" for model in document["spec"].get("models", ()))
    column = results.ON_CPU if name == "custom-vllm" else results.RAN
    results.record(name, column, f"{'yes' if simulated else 'as it is'} ({seconds:.0f} s)")


def replicas(name: str, application: str) -> dict[str, dict[str, str]]:
    """Deployment → ids of its running replicas → address of their pod."""
    deployments = serve_api.applications(name)[application]["deployments"]
    return {
        deployment: {each["replica_id"]: each["node_ip"] for each in details["replicas"] if each["state"] == "RUNNING"}
        for deployment, details in deployments.items()
    }


def on_own_pods(name: str, application: str) -> dict[str, dict[str, str]]:
    """All replicas run on pods of the application's own worker group; they are returned."""
    found = replicas(name, application)
    pods = ray_state.pods(served.active_cluster(name), kube.NAMESPACE)
    groups = {pod.address: pod.group for pod in pods}
    assert {groups[address] for each in found.values() for address in each.values()} == {application}
    return found


def status(name: str) -> Object:
    """Of the LLMDeployment."""
    found: Object = kube.existing(kube.LLM, name)["status"]
    return found


def edit(name: str, path: str, value: Any) -> None:
    """As a person who edits a field of the first application's first deployment."""
    kube.patch(kube.LLM, name, {"op": "add", "path": f"/spec/applications/0/deployments/{path}", "value": value})


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one HTTP request."""

    status: int
    body: Any
    headers: Mapping[str, str]
    """Lower case names."""


def post(url: str, body: Object, **headers: str) -> Answer:
    """One JSON request; an error status is an answer, too."""
    sent = {"content-type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), sent)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return _answer(answer)
    except urllib.error.HTTPError as error:
        return _answer(error)


def _answer(said: Any) -> Answer:
    return Answer(said.status, json.loads(said.read()), {key.lower(): value for key, value in said.headers.items()})


def test_pipeline(operator: None, report: Report) -> None:
    """A graph without any model of models[]: four deployments, joined answers, each stage scaled on its own."""
    with applied(sample("pipeline"), report) as url:
        said = status("pipeline")
        assert said["applications"][0]["url"] == said["url"] == "http://pipeline-serve-svc.llm.svc:8000/pipeline"
        assert (said["modelsReady"], said["applicationsReady"], said["replicas"]) == ("0/0", "1/1", "5-7")
        answer = post(f"{url}/pipeline/", {"text": REVIEW})
        assert answer.status == 200, answer.body
        joined = answer.body
        assert joined["sentiment"]["label"] == "positive"
        assert joined["summary"] in REVIEW
        assert joined["sentences"] == 3
        assert post(f"{url}/pipeline/", {"text": "x" * 5001}).status == 422  # args.max_characters
        before = on_own_pods("pipeline", "pipeline")
        assert {deployment: len(each) for deployment, each in before.items()} == {
            "Pipeline": 1, "Preprocess": 1, "Sentiment": 1, "Summary": 2,
        }  # fmt: skip
        edit("pipeline", "3/userConfig", {"sentences": 3})
        kube.until(
            "a summary of three sentences",
            lambda: post(f"{url}/pipeline/", {"text": REVIEW}).body["summary"] == REVIEW,
            seconds=60,
        )
        edit("pipeline", "1/replicas", 2)
        kube.until(
            "two replicas of Preprocess", lambda: len(replicas("pipeline", "pipeline")["Preprocess"]) == 2, seconds=90
        )
        after = on_own_pods("pipeline", "pipeline")
        for deployment, each in before.items():
            assert each.keys() <= after[deployment].keys(), "an edit in place restarted a replica"


def test_batch(operator: None, report: Report) -> None:
    """Requests that arrive together share one call of the model; how many is a setting that is changed in place."""

    def together(url: str) -> list[Object]:
        texts = ["good and friendly" if i % 2 else "bad and rude" for i in range(16)]
        with ThreadPoolExecutor(len(texts)) as pool:
            answers = list(pool.map(lambda text: post(f"{url}/batch/", {"text": text}), texts))
        assert [answer.status for answer in answers] == [200] * len(texts)
        found: list[Object] = [answer.body for answer in answers]
        assert [each["label"] for each in found] == ["positive" if i % 2 else "negative" for i in range(16)]
        return found

    with applied(sample("batch"), report) as url:
        before = on_own_pods("batch", "batch")
        assert post(f"{url}/batch/", {"text": "good"}).body["batch_size"] == 1
        largest = max(each["batch_size"] for each in together(url))
        report.add("batch: largest of 16 requests at once", largest, "")
        assert 1 < largest <= 16
        edit("batch", "0/userConfig", {"max_batch_size": 2})
        kube.until("batches of at most two", lambda: max(each["batch_size"] for each in together(url)) == 2, seconds=60)
        assert on_own_pods("batch", "batch") == before


def test_custom_vllm(operator: None, report: Report) -> None:
    """A hand-written deployment with the real vLLM: whole and streamed answers; limits of a request are changed in place."""
    with applied(sample("custom-vllm"), report) as url:
        before = on_own_pods("custom-vllm", "custom-vllm")
        client = openai.OpenAI(base_url=f"{url}/custom-vllm/v1", api_key="not-needed", max_retries=0, timeout=60)
        asked: Any = {"model": "demo", "messages": [{"role": "user", "content": FRANCE["question"]}], "temperature": 0}
        assert client.chat.completions.create(**asked).choices[0].message.content == FRANCE["answer"]
        pieces = [
            event.choices[0].delta.content or "" for event in client.chat.completions.create(**asked, stream=True)
        ]
        assert "".join(pieces) == FRANCE["answer"]
        assert sum(bool(piece) for piece in pieces) > 2, "not streamed"
        edit("custom-vllm", "0/userConfig", {"default_max_tokens": 2, "limit_max_tokens": 4})
        kube.until(
            "answers of two tokens",
            lambda: client.chat.completions.create(**asked).usage.completion_tokens == 2,
            seconds=60,
        )
        refused = post(f"{url}/custom-vllm/v1/chat/completions", {**asked, "max_tokens": 5})
        assert (refused.status, refused.body) == (422, {"detail": "max_tokens: 5 is more than the 4 allowed"})
        assert on_own_pods("custom-vllm", "custom-vllm") == before


def _share(url: str, requests: int = 200) -> Counter[str]:
    """Who answered."""
    body = {"model": "assistant", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1}

    def ask(_: int) -> str:
        answer = post(f"{url}/v1/chat/completions", body)
        assert answer.status == 200, answer.body
        target: str = answer.headers["x-ab-target"]
        assert answer.body["model"] == target
        return target

    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(ask, range(requests)))


def test_ab_router(operator: None, report: Report) -> None:
    """Two models behind one address: 90/10, then 0/100 by an edit, and no replica restarts. The engines are simulated here:
    the split is what is tested, and two of vLLM would take minutes to start."""
    with applied(served.simulated(sample("ab-router")), report) as url:
        assert {each["name"]: each["url"].partition(":8000")[2] for each in status("ab-router")["models"]} == {
            "stable": "/stable/v1", "canary": "/canary/v1",
        }  # fmt: skip
        before = on_own_pods("ab-router", "router")
        engines = {model: serve_api.replica_ids("ab-router", model) for model in ("stable", "canary")}
        split = _share(url)
        report.add("ab-router: of 200 requests at 90/10 to canary", split["canary"], "")
        assert 6 <= split["canary"] <= 40  # 20 expected, standard deviation 4.2
        body = {"model": "assistant", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1}
        sticky = {
            post(f"{url}/v1/chat/completions", body, **{"x-session-id": "s-1"}).headers["x-ab-target"]
            for _ in range(10)
        }
        assert len(sticky) == 1
        edit("ab-router", "0/userConfig", {"split": {"stable": 0, "canary": 100}})
        kube.until("all requests to canary", lambda: _share(url, 20) == Counter(canary=20), seconds=60)
        assert _share(url) == Counter(canary=200)
        assert on_own_pods("ab-router", "router") == before
        assert engines == {model: serve_api.replica_ids("ab-router", model) for model in ("stable", "canary")}
        wrong = post(f"{url}/v1/chat/completions", {"model": "assistant"})
        assert 400 <= wrong.status < 500, wrong.body  # the target's own refusal comes through
        assert wrong.headers["x-ab-target"] == "canary"
