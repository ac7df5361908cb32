"""Two replicas, one writer. The loss of the Lease ends the process."""

import pytest
from contract.conftest import Start
from contract.faults import Fault
from contract.objects import Object
from contract.operator_process import OperatorProcess, until
from contract.scenario import LEASE, converged, create
from contract.server import FakeServer


def holder(server: FakeServer) -> str:
    """Who holds the Lease now."""
    lease: Object = server.objects.get(LEASE) or {"spec": {}}
    return str(lease["spec"].get("holderIdentity", ""))


async def two_replicas(server: FakeServer, start: Start) -> tuple[OperatorProcess, OperatorProcess]:
    """A leader `a` and a ready follower `b`, three settled objects."""
    leader = await start("a")
    await until(lambda: holder(server) == "a", what="a leads")
    follower = await start("b")
    for name in ("x", "y", "z"):
        create(server, name)
        await converged(server, name)
    await follower.wait_status("/readyz", 200)
    await leader.settled()
    return leader, follower


async def test_follower_is_ready_and_writes_nothing(server: FakeServer, start: Start) -> None:
    leader, follower = await two_replicas(server, start)
    assert server.writes("b") == {}
    assert await leader.metric("llm_operator_leader") == 1
    assert await follower.metric("llm_operator_leader") == 0
    assert await follower.metric("llm_operator_queue_depth") == 3


async def test_takeover_after_a_kill_writes_nothing(server: FakeServer, start: Start) -> None:
    leader, follower = await two_replicas(server, start)
    await leader.kill()
    server.objects.merge_patch(LEASE, {"spec": {"leaseDurationSeconds": 1}})
    await follower.wait_metric("llm_operator_leader", 1)
    await follower.wait_metric('llm_operator_reconciles_total{result="ok"}', 3)
    assert server.writes("b") == {}
    assert server.events() == {}
    create(server, "new")
    await converged(server, "new")


async def test_sigterm_releases_the_lease(server: FakeServer, start: Start) -> None:
    leader, follower = await two_replicas(server, start)
    assert await leader.stop() == 0
    released = [
        change
        for change in server.objects.log
        if change.kind == "leases" and not change.object["spec"]["holderIdentity"]
    ]
    assert len(released) == 1
    await follower.wait_metric("llm_operator_leader", 1)
    assert holder(server) == "b"


async def test_stolen_lease_ends_the_process(server: FakeServer, start: Start) -> None:
    operator = await start("a")
    await operator.wait_metric("llm_operator_leader", 1)
    lease = server.objects.get(LEASE) or {}
    del lease["metadata"]["resourceVersion"]
    server.objects.replace("leases", {**lease, "spec": {**lease["spec"], "holderIdentity": "thief"}})
    assert await operator.exit_code() == 1
    assert holder(server) == "thief"


@pytest.mark.parametrize("status", [500, 403, 429])
async def test_lease_that_cannot_be_renewed_ends_the_process(server: FakeServer, start: Start, status: int) -> None:
    operator = await start("a", LEASE_SECONDS="8", RENEW_DEADLINE_SECONDS="6")
    await until(lambda: holder(server) == "a", what="a leads")
    server.faults.append(Fault(status, None, "leases", times=10_000))
    assert await operator.exit_code() == 1


async def test_short_lease_failure_is_survived(server: FakeServer, start: Start) -> None:
    operator = await start("a")
    await operator.wait_metric("llm_operator_leader", 1)
    fault = Fault(500, None, "leases", times=2)
    server.faults.append(fault)
    await until(lambda: fault.hits == 2, what="both faults were met")
    create(server)
    await converged(server)
    assert operator.returncode is None
