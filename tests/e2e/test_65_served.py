"""Ready means served: it goes within seconds of a lost engine, head or Service, and comes back only with an answer.

On the fast path; the catalogue runs the same tests behind the OpenAI ingress (test_served_classic.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from catalogue import served
from cluster import env, nodes
from cluster.engine import docker
from cluster.shell import say
from demo.follow import State
from demo.forward import port_forward
from e2e import deployment, kube
from e2e.kube import Object
from e2e.report import Report

LOST_SECONDS: Final = 5.0
"""What is promised; the clock here also runs while kubectl starts."""
ALLOWED_SECONDS: Final = 10.0
BACK_SECONDS: Final = 300.0
NAME: Final = "answers"
_RULE: Final = ("FORWARD", "-p", "tcp", "--dport", "8000", "-j", "DROP")
# A replica's process; the brackets keep the pattern from finding itself.
_REPLICA: Final = "[r]ay::ServeReplica:.*LLMServer"


def running(profile: str, report: Report) -> Iterator[str]:
    """A simulated model that serves; its profile."""
    model = served.model(NAME, "CPU")
    with served.served(served.document(NAME, model, performance={"profile": profile})) as seconds:
        report.add(f"{profile}: apply to Ready", seconds)
        yield profile


@pytest.fixture(scope="module")
def profile(operator: None, report: Report) -> Iterator[str]:
    yield from running("Auto", report)


def _ready() -> State:
    return deployment.state(NAME)


def _answers_now() -> float:
    """Seconds of one request through the Service; the test fails when it is not answered."""
    begin = time.monotonic()
    with port_forward(kube.NAMESPACE, f"svc/{NAME}-serve-svc", 8000) as url:
        served.ask(served.client(url, NAME, NAME, timeout=20), NAME, "hello")
    return time.monotonic() - begin


def _gone() -> State | None:
    now = _ready()
    return now if now.status == "False" else None


def _lose_and_return(
    report: Report, what: str, reasons: set[str], *, cut: Callable[[], None], mend: Callable[[], None] = lambda: None
) -> None:
    """Ready=False follows a cut, with one of these reasons; Ready=True comes back with answers, after it is mended."""
    assert _ready().status == "True"
    seen: list[str] = []
    begin = time.monotonic()
    try:
        cut()
        state = kube.until(f"{what}: Ready=False", _gone, seconds=60)
        took = time.monotonic() - begin
    finally:
        mend()
    report.add(f"{what}: Ready=False after", took)
    say(f"{what}: Ready=False after {took:.1f} s: {state.reason}: {state.message}")
    assert state.reason in reasons
    assert took < ALLOWED_SECONDS

    def back() -> bool:
        now = _ready()
        if not seen or seen[-1] != now.reason:
            seen.append(now.reason)
            say(f"{what}: {time.monotonic() - begin:.1f} s: Ready={now.status} {now.reason}: {now.message[:150]}")
        return bool(now.status == "True")

    kube.until(f"{what}: Ready=True", back, seconds=BACK_SECONDS)
    report.add(f"{what}: Ready=True after", time.monotonic() - begin)
    report.add(f"{what}: first answer after Ready took", _answers_now())


def _kill(pod: str, pattern: str) -> None:
    """SIGKILL, as the kernel does it when memory is short."""
    env.kubectl("exec", "-n", kube.NAMESPACE, pod, "-c", "ray-worker", "--", "pkill", "-9", "-f", pattern)


def _in_nodes(option: str) -> None:
    for node in nodes.existing():
        docker("exec", node, "iptables", option, *_RULE)


def _select(operation: Object) -> None:
    kube.patch("service", f"{NAME}-serve-svc", operation)


def _delete(pod: str) -> None:
    env.kubectl("delete", "pod", pod, "-n", kube.NAMESPACE, "--wait=false")


def test_an_engine_is_killed(profile: str, report: Report) -> None:
    (worker,) = served.workers(NAME)
    _lose_and_return(
        report,
        f"{profile}: engine killed",
        {"NotAnswering", "Unhealthy"},  # whoever sees it first: the probe or Ray Serve
        cut=lambda: _kill(worker["metadata"]["name"], _REPLICA),
    )


def test_the_service_has_no_endpoints(profile: str, report: Report) -> None:
    _lose_and_return(
        report,
        f"{profile}: no endpoints",
        {"NotAnswering"},
        cut=lambda: _select({"op": "add", "path": "/spec/selector/nobody", "value": "here"}),
        mend=lambda: _select({"op": "remove", "path": "/spec/selector/nobody"}),
    )


def test_packets_get_lost(profile: str, report: Report) -> None:
    """No refusal, only silence."""
    _lose_and_return(
        report,
        f"{profile}: packets dropped",
        {"NotAnswering"},
        cut=lambda: _in_nodes("--insert"),
        mend=lambda: _in_nodes("--delete"),
    )


def test_the_head_is_lost(profile: str, report: Report) -> None:
    head = served.head_pod(NAME)
    _lose_and_return(
        report,
        f"{profile}: head deleted",
        {"HeadLost"},
        cut=lambda: _delete(head),
    )
