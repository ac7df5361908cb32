"""Errors of the API server on every kind of call: the process lives on and the state converges."""

from functools import partial
from typing import Any

import pytest
from contract.conftest import Start
from contract.faults import Fault
from contract.operator_process import until
from contract.scenario import CREATE, PARENT, SERVICE, child, condition, converged, create
from contract.server import FakeServer

KINDS = ("llmdeployments", "rayservices", "rayclusters", "pods")
CALLS = (
    ("get", "llmdeployments"),
    ("apply", "rayservices"),
    ("apply", "llmdeployments/status"),
    ("get", "rayservices"),
)
ANSWERS: dict[str, dict[str, Any]] = {
    "500": {"status": 500, "times": 2},
    "429 with Retry-After": {"status": 429, "times": 1, "retry_after": 1},
    "503 with Retry-After": {"status": 503, "times": 1, "retry_after": 1},
    "403": {"status": 403, "times": 2},
    "409": {"status": 409, "times": 1},
    "half JSON": {"status": 200, "times": 1, "body": b'{"kind": "RayService", "metad'},
}


def _spent(fault: Fault) -> bool:
    return fault.hits == fault.times


def _rendered(server: FakeServer, name: str) -> bool:
    return condition(server, "Rendered", name).get("status") == "True"


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
async def test_failed_request_is_sent_again(server: FakeServer, start: Start, call: tuple[str, str]) -> None:
    operator = await start()
    for number, (answer, settings) in enumerate(ANSWERS.items()):
        fault = Fault(verb=call[0], resource=call[1], **settings)
        applied = server.writes()["apply rayservices"]
        server.faults.append(fault)
        create(server, name := f"x{number}")
        await until(partial(_spent, fault), what=f"all faults were met: {answer}")
        await converged(server, name)
        await until(partial(_rendered, server, name), what=f"Rendered=True: {answer}")
        assert server.writes()["apply rayservices"] - applied <= 1 + fault.times, answer
    assert operator.returncode is None


@pytest.mark.parametrize(("status", "reason"), [(403, "Forbidden"), (422, "Invalid")])
async def test_refused_apply_is_told_in_the_status(server: FakeServer, start: Start, status: int, reason: str) -> None:
    operator = await start()
    fault = Fault(status, "apply", "rayservices", times=1000)
    server.faults.append(fault)
    create(server)
    await until(lambda: condition(server, "Rendered").get("reason") == "ApplyRejected", what="ApplyRejected")
    assert f"injected fault {status}" in condition(server, "Rendered")["message"]
    tried = fault.hits
    await until(lambda: fault.hits > tried + 1, what="it tries again, with a backoff")
    assert server.writes()["apply llmdeployments/status"] == 1, reason
    server.faults.clear()
    await until(lambda: condition(server, "Rendered").get("status") == "True", what="Rendered=True")
    assert operator.returncode is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500, "list", "llmdeployments", times=2),
        Fault(429, "list", "rayservices", times=2, retry_after=1),
        Fault(403, "list", "pods", times=2),
        Fault(500, "watch", "llmdeployments", times=2),
        Fault(410, "watch", "llmdeployments"),
        Fault(403, "watch", "rayclusters", times=2),
        Fault(200, "watch", "rayservices", body=b'{"type": "ADDED", "obje'),
        Fault(200, "watch", "llmdeployments", body=b'{"type":"ERROR","object":{"kind":"Status","code":500}}\n'),
        Fault(200, "watch", "llmdeployments", body=b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n'),
        Fault(500, "discover", times=2),
    ],
    ids=lambda fault: f"{fault.verb} {fault.resource} {fault.status} {(fault.body or b'')[-12:]!r}",
)
async def test_failed_read_is_survived(server: FakeServer, start: Start, fault: Fault) -> None:
    server.faults.append(fault)
    operator = await start()
    create(server, "before")
    await until(lambda: fault.hits == fault.times, what="all faults were met")
    create(server, "after")
    await converged(server, "before")
    await converged(server, "after")
    await operator.settled()
    assert server.writes() == {kind: 2 * count for kind, count in CREATE.items()}
    assert operator.returncode is None


async def test_dropped_watches_are_taken_up_again(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    server.drop_watches(hold=KINDS)
    create(server, "b")
    server.release_watches()
    await converged(server, "b")
    await operator.settled()
    assert server.writes() == {kind: 2 * count for kind, count in CREATE.items()}


async def test_deletion_lost_in_a_watch_gap_is_pruned(server: FakeServer, start: Start) -> None:
    operator = await start(RESYNC_SECONDS="3600")
    for name in ("a", "b"):
        create(server, name)
        await converged(server, name)
    before = server.writes()
    server.drop_watches(hold=KINDS)
    server.objects.delete(PARENT)
    server.objects.compact()
    server.release_watches()
    # The parent and its two children, soon after the new lists and not only at the next period.
    await operator.wait_metric("llm_operator_pruned_objects_total", 3)
    await until(lambda: server.count("watch", "rayservices") > 1, what="watched again")
    create(server, "c")
    await converged(server, "c")
    assert child(server, "a") is None
    assert server.writes() == {kind: count + CREATE[kind] for kind, count in before.items()}


async def test_all_deleted_in_a_watch_gap_is_pruned_at_the_next_period(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    server.drop_watches(hold=KINDS)
    server.objects.delete(PARENT)
    server.objects.compact()
    server.release_watches()
    # Its two children. A reconcile that the re-sync asked for may have found out about the parent before.
    await operator.wait_metric("llm_operator_pruned_objects_total", 2)
    await operator.settled()
    assert "re-sync: 0 LLMDeployments" in operator.log.read_text().splitlines()[-1]
    assert server.writes() == CREATE


async def test_child_is_not_made_again_while_the_parents_deletion_is_unseen(server: FakeServer, start: Start) -> None:
    await start(RESYNC_SECONDS="3600")
    create(server)
    await converged(server)
    server.drop_watches(hold=("llmdeployments",))
    server.objects.delete(PARENT)
    await until(
        lambda: server.count("get", "llmdeployments") == 2, what="the operator asks whether the parent is there"
    )
    create(server, "b")
    server.release_watches()
    await converged(server, "b")
    assert child(server, "a") is None
    assert server.writes() == {kind: 2 * count for kind, count in CREATE.items()}


async def test_failed_event_does_not_fail_the_reconcile(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    server.faults.append(Fault(403, "create", "events", times=1000))
    server.objects.delete(SERVICE)
    await until(lambda: child(server), what="RayService made again")
    await operator.settled()
    assert await operator.metric('llm_operator_events_total{result="failed"}') >= 1
    assert await operator.metric('llm_operator_reconciles_total{result="api_error"}') == 0
