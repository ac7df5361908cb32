"""What others do between the operator's last look and its write, and errors that only the queue brings back."""

from contract.conftest import Start
from contract.faults import Fault, Strike, Write
from contract.operator_process import until
from contract.scenario import CREATE, NAMESPACE, PARENT, SERVICE, child, condition, converged, create, edit, parent
from contract.server import FakeServer

RETRY_AFTER = 11
"""More than a request waits by itself (llm_operator/kube/transport.py: 10 s)."""


async def test_namesake_of_the_rayservice_is_not_deleted(server: FakeServer, start: Start) -> None:
    operator = await start()
    made = create(server)
    await converged(server)
    await operator.settled()
    metadata = {"name": "a", "namespace": NAMESPACE}
    theirs = {"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": metadata, "spec": {"serveConfigV2": "x"}}

    async def replaced(write: Write) -> None:
        assert write.call.verb == "delete"
        server.objects.delete(SERVICE)
        server.objects.create("rayservices", theirs)

    server.strikes.append(strike := Strike(len(server.journal) + 1, "before", replaced))
    edit(server, {**made["spec"], "suspend": True})
    await until(lambda: strike.done, what="the RayService is deleted")
    await operator.settled()
    assert (child(server) or {"spec": None})["spec"] == {"serveConfigV2": "x"}
    assert server.writes()["delete rayservices"] == 1


async def test_status_of_an_llmdeployment_is_not_written_to_its_namesake(server: FakeServer, start: Start) -> None:
    operator = await start()

    async def made_again(write: Write) -> None:
        assert write.call.resource == "llmdeployments/status"
        server.objects.delete(PARENT)
        create(server)

    server.strikes.append(strike := Strike(sum(CREATE.values()), "before", made_again))
    create(server)
    await until(lambda: strike.done, what="the first status is written")
    await converged(server)
    await operator.settled()
    assert server.journal[strike.number - 1].answer == 409
    assert child(server) is not None
    assert condition(server, "Rendered")["status"] == "True"
    assert parent(server)["status"]["rayService"]["generation"] == 1


async def test_long_retry_after_is_obeyed_by_the_queue(server: FakeServer, start: Start) -> None:
    fault = Fault(429, "apply", "rayservices", retry_after=RETRY_AFTER)
    server.faults.append(fault)
    operator = await start(RESYNC_SECONDS="3600")
    create(server)
    await converged(server)
    applied = [at for at, call, _ in server.seen_at if (call.verb, call.resource) == ("apply", "rayservices")]
    assert len(applied) == 2
    assert applied[1] - applied[0] >= RETRY_AFTER
    assert operator.returncode is None


async def test_failed_reconcile_comes_back_without_a_resync(server: FakeServer, start: Start) -> None:
    fault = Fault(500, "apply", "rayservices", times=3)
    server.faults.append(fault)
    operator = await start(RESYNC_SECONDS="3600")
    create(server)
    await converged(server)
    assert fault.hits == fault.times
    assert server.writes()["apply rayservices"] == fault.times + 1
    assert operator.returncode is None
