"""Repeated events are one series, whoever writes it: a restarted operator goes on where the one before it was."""

from contract.conftest import Start
from contract.faults import Fault
from contract.operator_process import until
from contract.scenario import SERVICE, child, converged, create
from contract.server import FakeServer


def _count(server: FakeServer) -> int:
    (event,) = [each for each in server.objects.select("events") if each["reason"] == "DriftCorrected"]
    return int((event.get("series") or {}).get("count", 1))


async def _edited_by_hand(server: FakeServer) -> None:
    wanted = (child(server) or {})["spec"]
    server.objects.merge_patch(SERVICE, {"spec": {"serveConfigV2": "applications: []"}})
    await until(lambda: (child(server) or {})["spec"] == wanted, what="spec restored")


async def _told(server: FakeServer, times: int) -> None:
    await until(lambda: server.events()["DriftCorrected"] == 1 and _count(server) == times, what=f"told {times} times")


async def test_a_restart_goes_on_with_the_series(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    for times in (1, 2, 3):
        await _edited_by_hand(server)
        await _told(server, times)
    await operator.settled()
    await operator.stop()
    before = {verb: server.count(verb, "events") for verb in ("create", "get", "patch")}
    assert before == {"create": 1, "get": 0, "patch": 2}
    await operator.start()
    await converged(server)
    await operator.settled()
    assert {verb: server.count(verb, "events") for verb in before} == before, "nothing happened"
    for times in (4, 5):
        await _edited_by_hand(server)
        await _told(server, times)
    assert {verb: server.count(verb, "events") for verb in before} == {"create": 2, "get": 1, "patch": 4}


async def test_who_cannot_read_it_does_not_spoil_it(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    for times in (1, 2):
        await _edited_by_hand(server)
        await _told(server, times)
    await operator.stop()
    server.faults.append(Fault(403, "get", "events", times=1))
    await operator.start()
    await converged(server)
    await _edited_by_hand(server)
    await operator.wait_metric('llm_operator_events_total{result="failed"}', 1)
    assert _count(server) == 2
    await _edited_by_hand(server)
    await _told(server, 3)
