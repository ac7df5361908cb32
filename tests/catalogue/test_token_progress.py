"""An engine that hangs while it passes its health checks: it is reported, and only its replica is restarted, within the budget."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import openai
import pytest
from catalogue import served
from cluster import install
from cluster.shell import say
from demo.follow import State
from e2e import deployment, kube, serve_api
from e2e.report import Report
from llm_serve_app.simulated.draws import draw
from llm_serve_app.simulated.settings import Settings

NAME: Final = "stalls"
STALL_SECONDS: Final = 30
# Few requests stall, so that the first ones that warm the engines up do not.
_SIMULATION: Final = Settings(stall_rate=0.02, seed=7, output_tokens=8)


@pytest.fixture(scope="module")
def allowed(operator: None) -> Iterator[None]:
    """The operator may delete pods."""
    install.change({"operator.restartStalled": "true"})
    yield
    install.change({"operator.restartStalled": "false"})


def _stalling() -> str:
    """A request id that the simulated engine lets stall half-way."""
    return next(name for number in count() if draw(_SIMULATION, name := f"request-{number}").stalls)


def _hang(url: str) -> None:
    """A request that never ends, left to itself."""
    client = served.client(url, NAME, NAME, timeout=600)

    def ask() -> None:
        try:
            client.completions.create(
                model=NAME, prompt="hello", max_tokens=8, extra_headers={"X-Request-Id": _stalling()}
            )
        except openai.OpenAIError as error:
            say(f"the request that hung: {type(error).__name__}")

    threading.Thread(target=ask, daemon=True).start()


def _document(**progress: Any) -> kube.Object:
    simulation = {"stallRate": _SIMULATION.stall_rate, "seed": _SIMULATION.seed, "outputTokens": 8}
    model = served.model(
        NAME,
        "CPU",
        engine={"type": "Simulated", "simulation": simulation},
        scaling={"minReplicas": 2, "maxReplicas": 2},
        health={"tokenProgress": {"stallSeconds": STALL_SECONDS, **progress}},
    )
    return served.document(NAME, model)


def _degraded() -> State:
    return deployment.state(NAME, "Degraded")


def _well() -> bool:
    now = _degraded()
    say(f"Degraded={now.status} {now.reason}: {now.message}")
    return bool(now.status == "False")


def test_a_stalled_replica_is_reported_then_restarted(allowed: None, report: Report) -> None:
    with served.served(_document()), served.reached(NAME) as url:
        before = serve_api.replica_ids(NAME, NAME)
        pods = {pod["metadata"]["name"] for pod in served.workers(NAME)}
        assert len(before) == len(pods) == 2
        begin = time.monotonic()
        _hang(url)
        kube.until("TokensStalled", lambda: _degraded().reason == "TokensStalled", seconds=180)
        report.add("stalled: request to Degraded=True", time.monotonic() - begin)
        message = _degraded().message
        say(message)
        assert "only reported" in message
        (stalled,) = [pod for pod in pods if pod in message]
        assert deployment.state(NAME).status == "True", "its health checks pass"
        assert {pod["metadata"]["name"] for pod in served.workers(NAME)} == pods

        begin = time.monotonic()
        where = "/spec/models/0/health/tokenProgress/action"
        kube.patch(kube.LLM, NAME, {"op": "add", "path": where, "value": "Restart"})
        kube.until(
            "its pod goes", lambda: stalled not in {p["metadata"]["name"] for p in served.workers(NAME)}, seconds=60
        )
        report.add("stalled: Restart asked for to its pod deleted", time.monotonic() - begin)
        (entry,) = kube.existing(kube.LLM, NAME)["status"]["models"]
        assert len(entry["stallRestarts"]) == 1
        kube.until("two replicas again", lambda: len(serve_api.replica_ids(NAME, NAME)) == 2, seconds=300)
        kube.until("Degraded=False", _well, seconds=120)
        report.add("stalled: Restart asked for to all well", time.monotonic() - begin)
        after = serve_api.replica_ids(NAME, NAME)
        assert len(before & after) == 1, "only the stalled one was restarted"
        (entry,) = kube.existing(kube.LLM, NAME)["status"]["models"]
        assert len(entry["stallRestarts"]) == 1
        assert any(event["reason"] == "TokensStalled" for event in kube.events(NAME))
