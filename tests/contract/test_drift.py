"""What others do to our child, and what we never do to theirs."""

from contract.conftest import Start
from contract.operator_process import until
from contract.scenario import BUDGET, CREATE, NAMESPACE, SERVICE, child, condition, converged, create
from contract.server import FakeServer


async def test_hand_edit_is_restored_by_one_apply_with_an_event(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    await operator.settled()
    wanted = (child(server) or {})["spec"]
    server.objects.merge_patch(SERVICE, {"spec": {"serveConfigV2": "applications: []"}})
    await until(lambda: (child(server) or {})["spec"] == wanted, what="spec restored")
    await operator.settled()
    assert server.writes()["apply rayservices"] == CREATE["apply rayservices"] + 1
    assert server.events() == {"DriftCorrected": 1}


async def test_hand_deletion_is_restored_by_one_apply_with_an_event(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    await operator.settled()
    server.objects.delete(SERVICE)
    await until(lambda: child(server), what="RayService made again")
    await operator.settled()
    assert server.writes()["apply rayservices"] == CREATE["apply rayservices"] + 1
    assert server.events()["ChildRecreated"] == 1


async def test_child_without_our_labels_is_found_and_restored(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    before = child(server) or {}
    gone = {"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody", "llm-operator.io/deployment": None}}}
    server.objects.merge_patch(SERVICE, gone)
    await until(
        lambda: (child(server) or {})["metadata"]["labels"] == before["metadata"]["labels"], what="labels restored"
    )
    await operator.settled()
    assert (child(server) or {})["metadata"]["uid"] == before["metadata"]["uid"]
    assert server.writes()["apply rayservices"] == CREATE["apply rayservices"] + 1


async def test_somebody_elses_rayservice_of_that_name_is_not_touched(server: FakeServer, start: Start) -> None:
    operator = await start()
    metadata = {"name": "a", "namespace": NAMESPACE}
    theirs = {"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": metadata, "spec": {"serveConfigV2": "x"}}
    made = server.objects.create("rayservices", theirs)
    create(server)
    await until(lambda: condition(server, "Rendered").get("reason") == "NameConflict", what="NameConflict")
    await operator.settled()
    assert server.writes() == {"apply llmdeployments/status": 1}
    assert child(server) == made


async def test_budget_deleted_or_edited_by_hand_is_one_apply(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    await operator.settled()
    wanted = (server.objects.get(BUDGET) or {})["spec"]
    server.objects.delete(BUDGET)
    await until(lambda: server.objects.get(BUDGET), what="PodDisruptionBudget made again")
    await operator.settled()
    assert server.writes() == {**CREATE, "apply poddisruptionbudgets": 2}
    server.objects.merge_patch(BUDGET, {"spec": {"minAvailable": 0}})
    await until(lambda: (server.objects.get(BUDGET) or {})["spec"] == wanted, what="spec restored")
    await operator.settled()
    assert server.writes() == {**CREATE, "apply poddisruptionbudgets": 3}


async def test_somebody_elses_budget_of_that_name_is_not_touched(server: FakeServer, start: Start) -> None:
    operator = await start()
    metadata = {"name": "a-head", "namespace": NAMESPACE}
    theirs = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata,
        "spec": {"minAvailable": 1},
    }
    made = server.objects.create("poddisruptionbudgets", theirs)
    create(server)
    await until(lambda: condition(server, "Degraded").get("reason") == "NameConflict", what="NameConflict")
    await operator.settled()
    assert server.objects.get(BUDGET) == made
    assert "apply poddisruptionbudgets" not in server.writes()
    assert condition(server, "Rendered")["status"] == "True"
