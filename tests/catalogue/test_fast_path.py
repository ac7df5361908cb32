"""The fast path on the real cluster: several models with their aliases, a custom application and a model at zero, on one HAProxy."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest
from catalogue import fast_path, served
from e2e import deployment, kube, serve_api
from e2e.report import Report

NAME = "fast"
BATCH = {
    "name": "batch",
    "importPath": "llm_serve_app.batch:build",
    "args": {"models": "/models/text"},
    "workers": {"resources": served.SMALL_WORKER},
    "deployments": [{"name": "BatchedSentiment", "actor": {"cpu": 0.1}, "maxOngoingRequests": 64}],
}
# vLLM 0.29 has these only behind VLLM_SERVER_DEV_MODE, VLLM_ALLOW_RUNTIME_LORA_UPDATING or profiler settings.
CLOSED = (
    "/sleep",
    "/wake_up",
    "/collective_rpc",
    "/update_weights",
    "/reset_prefix_cache",
    "/v1/load_lora_adapter",
    "/start_profile",
)


@pytest.fixture(scope="module")
def url(operator: None, report: Report) -> Iterator[str]:
    made = served.document(
        NAME,
        served.model("main", "CPU", aliases=["gpt-4o", "org/other-name"]),
        served.model("asleep", "CPU", scaling={"minReplicas": 0, "maxReplicas": 1, "scaleDownDelaySeconds": 5}),
        applications=[BATCH],
    )
    with served.served(made) as seconds, served.reached(NAME, by_head=True) as forwarded:
        report.add("fast path, two models and an application: apply to Ready", seconds)
        yield forwarded


def test_condition_says_so(url: str) -> None:
    state = deployment.state(NAME, "FastPath")
    assert (state.status, state.reason) == ("True", "DirectStreaming")


def test_there_is_a_router_and_no_ingress(url: str) -> None:
    found = serve_api.applications(NAME)
    assert set(found["main"]["deployments"]) == {"AliasServer:main", "LLMRouter"}
    assert set(found["asleep"]["deployments"]) == {"LLMServer:asleep", "LLMRouter"}


def test_every_name_of_a_model_answers_on_its_route(url: str) -> None:
    listed = json.loads(fast_path.request(f"{url}/main/v1/models")[1])["data"]
    assert [card["id"] for card in listed] == ["main", "gpt-4o", "org/other-name"]
    assert [fast_path.chat(f"{url}/main", card["id"], "hello") for card in listed] == [200, 200, 200]
    assert fast_path.chat(f"{url}/main", "nope", "hello") == 404
    assert fast_path.request(f"{url}/main/v1/models/org/other-name")[0] == 200


def test_aliases_are_edited_in_place(url: str) -> None:
    replicas = serve_api.replica_ids(NAME, "main")
    kube.patch(kube.LLM, NAME, {"op": "replace", "path": "/spec/models/0/aliases", "value": ["gpt-5"]})
    kube.until("the new alias answers", lambda: fast_path.chat(f"{url}/main", "gpt-5", "hello") == 200, seconds=60)
    assert fast_path.chat(f"{url}/main", "gpt-4o", "hello") == 404
    assert serve_api.replica_ids(NAME, "main") == replicas


def test_streams_in_pieces(url: str) -> None:
    pieces = served.client(url, NAME, "main").chat.completions.create(
        model="main", messages=[{"role": "user", "content": "hello"}], max_tokens=16, stream=True
    )
    assert len(list(pieces)) > 10


def test_an_application_answers_beside_the_models(url: str) -> None:
    status, text = fast_path.request(f"{url}/batch/", {"text": "The food was good."})
    assert status == 200
    assert json.loads(text)["label"] == "positive"


def test_a_request_at_zero_is_held_and_answered(url: str, report: Report) -> None:
    kube.until("no replica of `asleep` is left", lambda: not serve_api.replica_ids(NAME, "asleep"), seconds=120)
    begin = time.monotonic()
    assert fast_path.chat(f"{url}/asleep", "asleep", "hello", timeout=280) == 200
    report.add("fast path: request at zero, held and answered", time.monotonic() - begin)


def test_a_change_of_replicas_disturbs_nobody(url: str, report: Report) -> None:
    """Each is a reload of every HAProxy: `asleep` goes back to zero while `main` is asked."""
    seen: list[int] = []
    gone = threading.Event()

    def asking() -> None:
        while not gone.is_set():
            seen.append(fast_path.chat(f"{url}/main", "main", "hello"))

    thread = threading.Thread(target=asking, daemon=True)
    thread.start()
    try:
        kube.until("`asleep` is at zero again", lambda: not serve_api.replica_ids(NAME, "asleep"), seconds=180)
    finally:
        gone.set()
        thread.join(timeout=60)
    assert seen
    assert set(seen) == {200}
    report.add("fast path: requests beside a reload, all answered", len(seen), "")


@pytest.mark.parametrize("path", CLOSED)
def test_what_changes_the_engine_is_closed(url: str, path: str) -> None:
    assert fast_path.request(f"{url}/main{path}", {})[0] in (404, 405)
