"""Ray's own autoscalers on a simulated engine: 0 → 1 → 3 → 0 under load without a lost request, and a window of the week."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import openai
import pytest
from catalogue import served
from cluster import names
from e2e import kube, serve_api
from e2e.kube import Object
from e2e.report import Report

NAME: Final = "sleeper"
_SCALING: Final[dict[str, Any]] = {
    "minReplicas": 0,
    "maxReplicas": 3,
    "targetOngoingRequests": 2,
    "maxOngoingRequests": 4,
    "scaleUpDelaySeconds": 2,
    "scaleDownDelaySeconds": 10,
    "lookBackSeconds": 5,
    "metricsIntervalSeconds": 1,
    "scaleToZero": {"idleSeconds": 15},
}


@dataclass(slots=True)
class Load:
    """Requests in flight all the time, each answered before the next of its thread."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def load(made: openai.OpenAI, threads: int) -> Iterator[Load]:
    """So many requests in flight until the context ends; then the last ones are waited for."""
    seen, stop, lock = Load(), threading.Event(), threading.Lock()

    def loop(number: int) -> None:
        while not stop.is_set():
            try:
                served.ask(made, NAME, f"request of thread {number}", tokens=20)
                with lock:
                    seen.answered += 1
            except openai.OpenAIError as error:
                seen.failures.append(f"{type(error).__name__}: {error}")

    running = [threading.Thread(target=loop, args=(number,), daemon=True) for number in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in running:
            thread.join(timeout=300)


def _sleeper(**scaling: Any) -> Object:
    engine = {"type": "Simulated", "simulation": {"timePerOutputTokenMs": 50}}
    return served.document(
        NAME,
        served.model(NAME, engine=engine, scaling={**_SCALING, **scaling}),
        ray={
            "image": names.image_ref("serve-cpu"),
            "head": served.SMALL_HEAD,
            "autoscaler": {"idleTimeoutSeconds": 10},
        },
    )


@pytest.mark.parametrize("profile", ["Auto", "Classic"])
def test_from_zero_to_three_and_back(devices: None, report: Report, profile: str) -> None:
    made = _sleeper()
    made["spec"]["performance"] = {"profile": profile}
    with served.served(made) as seconds, served.reached(NAME, by_head=True) as url:
        report.add(f"{profile}: apply to Ready at zero replicas", seconds)
        assert served.workers(NAME) == []
        client = served.client(url, NAME, NAME, timeout=280)
        begin = time.monotonic()
        assert "hello" in served.ask(client, NAME, "hello", tokens=20)
        report.add(f"{profile}: first request, which woke the model", time.monotonic() - begin)
        with load(client, threads=8) as seen:
            kube.until("three replicas", lambda: len(serve_api.replica_ids(NAME, NAME)) == 3, seconds=240)
            report.add(f"{profile}: one to three replicas", time.monotonic() - begin)
            answered = seen.answered
            kube.until("all three answer", lambda: seen.answered >= answered + 60, seconds=60)
        assert seen.failures == []
        report.add(f"{profile}: requests answered beside it", seen.answered, "")
        begin = time.monotonic()
        kube.until("no replica", lambda: not serve_api.replica_ids(NAME, NAME), seconds=120)
        kube.until("no worker pod", lambda: not served.workers(NAME), seconds=180)
        report.add(f"{profile}: three to zero replicas and pods", time.monotonic() - begin)
        assert "again" in served.ask(client, NAME, "again", tokens=20)


def _window(opens: datetime, closes: datetime) -> dict[str, Any]:
    return {"name": "soon", "start": opens.strftime("%H:%M"), "end": closes.strftime("%H:%M"), "minReplicas": 2}


def test_a_window_opens_and_closes(devices: None, report: Report) -> None:
    """Two replicas while it is open; the same cluster and the same first replica before, in and after it."""
    with served.served(_sleeper(minReplicas=1, scaleToZero=None)):
        first = kube.until("one replica", lambda: serve_api.replica_ids(NAME, NAME), seconds=60)
        cluster = served.active_cluster(NAME)
        opens = datetime.now(UTC).replace(second=0) + timedelta(minutes=1)
        closes = opens + timedelta(minutes=2)
        value = [_window(opens, closes)]
        kube.patch(kube.LLM, NAME, {"op": "add", "path": "/spec/models/0/scaling/schedules", "value": value})
        both = kube.until(
            "two replicas",
            lambda: found if len(found := serve_api.replica_ids(NAME, NAME)) == 2 else None,
            seconds=170,
        )
        report.add("schedule: opening to two replicas", (datetime.now(UTC) - opens).total_seconds())
        assert datetime.now(UTC) >= opens
        assert first < both
        (entry,) = kube.existing(kube.LLM, NAME)["status"]["models"]
        assert (entry["schedule"], entry["replicas"]) == ("soon", "2-3")
        kube.until("one replica again", lambda: len(serve_api.replica_ids(NAME, NAME)) == 1, seconds=240)
        assert datetime.now(UTC) >= closes
        assert served.active_cluster(NAME) == cluster
        (entry,) = kube.existing(kube.LLM, NAME)["status"]["models"]
        assert "schedule" not in entry
