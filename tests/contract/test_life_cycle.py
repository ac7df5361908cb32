"""Owners, orphans, adoption, and what is told while something holds a deletion up."""

import json
from typing import Any

from builders import llm
from contract.conftest import Start
from contract.faults import Fault
from contract.objects import Address, Object
from contract.operator_process import until
from contract.scenario import (
    BUDGET,
    CREATE,
    NAMESPACE,
    PARENT,
    SERVICE,
    child,
    condition,
    converged,
    create,
    edit,
    kuberay_serves,
    parent,
    ready,
)
from contract.server import FakeServer

ADOPT = {"metadata": {"annotations": {"llm-operator.io/adopt": "true"}}}
LONG_AGO = "2026-01-01T00:00:00Z"
TERMINATING = {
    "kind": "Status",
    "status": "Failure",
    "code": 403,
    "reason": "Forbidden",
    "message": "unable to create new content in namespace llm because it is being terminated",
    "details": {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]},
}


def _orphan() -> Any:
    return llm("a").with_("spec.deletionPolicy", "Orphan")


def _live(server: FakeServer) -> Object:
    found = child(server)
    assert found is not None
    return found


def _owners(server: FakeServer, address: Address) -> list[str]:
    found = server.objects.get(address)
    assert found is not None
    return [owner["uid"] for owner in found["metadata"].get("ownerReferences", ())]


async def test_policy_is_switched_in_place_both_ways(server: FakeServer, start: Start) -> None:
    operator = await start()
    made = create(server)
    await converged(server)
    spec, uid = _live(server)["spec"], made["metadata"]["uid"]
    edit(server, {**made["spec"], "deletionPolicy": "Orphan"})
    await until(lambda: not _owners(server, SERVICE) and not _owners(server, BUDGET), what="no owners")
    await operator.settled()
    assert server.writes() == {kind: 2 for kind in CREATE}
    edit(server, made["spec"])
    await until(lambda: _owners(server, SERVICE) == _owners(server, BUDGET) == [uid], what="owners again")
    await operator.settled()
    assert server.writes() == {kind: 3 for kind in CREATE}
    assert _live(server)["spec"] == spec
    assert _live(server)["metadata"]["generation"] == 1
    assert server.events().get("DriftCorrected") is None


async def test_orphans_outlive_their_parent_and_are_taken_over_only_when_asked(
    server: FakeServer, start: Start
) -> None:
    operator = await start()
    create(server, body=_orphan())
    await converged(server)
    kuberay_serves(server)
    await ready(server)
    before = _live(server)
    server.objects.delete(PARENT)
    await operator.settled()
    assert _live(server) == before
    written = server.writes()
    create(server)
    await until(lambda: condition(server, "Rendered").get("reason") == "NameConflict", what="NameConflict")
    await operator.settled()
    assert server.writes() - written == {"apply llmdeployments/status": 1}
    assert _live(server) == before
    server.objects.merge_patch(PARENT, ADOPT)
    await ready(server)
    uid = parent(server)["metadata"]["uid"]
    await until(lambda: _owners(server, SERVICE) == _owners(server, BUDGET) == [uid], what="owned again")
    await operator.settled()
    after = _live(server)
    assert (after["spec"], after["metadata"]["uid"]) == (before["spec"], before["metadata"]["uid"])
    assert after["metadata"]["generation"] == before["metadata"]["generation"], "no new Ray cluster"
    assert "llm-operator.io/owner-uid" not in after["metadata"]["annotations"]
    assert server.events()["Adopted"] == 1


async def test_what_another_controller_keeps_is_never_taken_over(server: FakeServer, start: Start) -> None:
    operator = await start()
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u", "controller": True}
    metadata = {"name": "a", "namespace": NAMESPACE, "ownerReferences": [owner]}
    theirs = {"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": metadata, "spec": {"serveConfigV2": "x"}}
    made = server.objects.create("rayservices", theirs)
    create(server)
    server.objects.merge_patch(PARENT, ADOPT)
    await until(lambda: condition(server, "Rendered").get("reason") == "NameConflict", what="NameConflict")
    await operator.settled()
    assert child(server) == made
    assert 'belongs to ConfigMap "x"' in condition(server, "Rendered")["message"]


async def test_made_again_while_the_old_rayservice_is_still_there(server: FakeServer, start: Start) -> None:
    """As a GitOps tool does it that prunes and adds again: the garbage collector takes its time."""
    operator = await start()
    create(server)
    await converged(server)
    old = _live(server)
    server.objects.delete(PARENT)
    server.objects.create("rayservices", old)
    made = create(server)
    await until(lambda: condition(server, "Rendered").get("reason") == "ApplyPending", what="waits")
    await operator.settled()
    assert "earlier LLMDeployment" in condition(server, "Rendered")["message"]
    assert _owners(server, SERVICE) == [old["metadata"]["ownerReferences"][0]["uid"]]
    server.objects.delete(SERVICE)
    await until(lambda: child(server) and _owners(server, SERVICE) == [made["metadata"]["uid"]], what="its own child")
    await operator.settled()
    assert condition(server, "Rendered")["status"] == "True"


async def test_deleted_while_no_operator_runs(server: FakeServer, start: Start) -> None:
    first = await start("a")
    create(server)
    await converged(server)
    await first.settled()
    await first.stop()
    before = server.writes()
    server.objects.delete(PARENT)
    second = await start("b")
    await second.settled()
    assert child(server) is None
    assert server.writes() == before


async def test_nothing_is_tried_again_in_a_namespace_that_is_going(server: FakeServer, start: Start) -> None:
    fault = Fault(403, "apply", "rayservices", times=1000, body=json.dumps(TERMINATING).encode())
    server.faults.append(fault)
    operator = await start(RESYNC_SECONDS="3600")
    create(server)
    await operator.wait_metric('llm_operator_reconciles_total{result="namespace_terminating"}', 1)
    assert await operator.metric('llm_operator_reconciles_total{result="api_error"}') == 0
    assert fault.hits == 1
    assert "status" not in parent(server)


async def test_suspended_and_resumed(server: FakeServer, start: Start) -> None:
    operator = await start()
    made = create(server)
    await converged(server)
    edit(server, {**made["spec"], "suspend": True})
    await until(lambda: child(server) is None, what="RayService deleted")
    await until(lambda: condition(server, "Ready").get("reason") == "Suspended", what="Suspended")
    edit(server, made["spec"])
    await converged(server)
    await operator.settled()
    assert server.writes()["apply rayservices"] == 2
    assert server.writes()["delete rayservices"] == 1
    assert server.writes()["apply poddisruptionbudgets"] == 1
    assert server.events().get("ChildRecreated") is None


def _held(obj: Object, finalizer: str) -> Object:
    metadata = {**obj["metadata"], "deletionTimestamp": LONG_AGO, "finalizers": [finalizer]}
    return {**obj, "metadata": metadata}


async def test_what_holds_a_deletion_is_told_and_never_stripped(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    server.objects.replace("rayservices", _held(_live(server), "ray.io/rayservice-finalizer"))
    server.objects.replace("llmdeployments", _held(parent(server), "foregroundDeletion"))
    await until(lambda: server.events().get("DeletionBlocked"), what="DeletionBlocked")
    await operator.settled()
    (event,) = (each for each in server.objects.select("events") if each["reason"] == "DeletionBlocked")
    assert 'RayService "a"' in event["note"]
    assert "ray.io/rayservice-finalizer" in event["note"]
    assert event["regarding"]["name"] == "a"
    assert server.writes() == CREATE
    assert _live(server)["metadata"]["finalizers"] == ["ray.io/rayservice-finalizer"]


async def test_what_holds_the_children_of_a_parent_that_is_gone_is_told(server: FakeServer, start: Start) -> None:
    operator = await start()
    made = create(server)
    await converged(server)
    old = _held(_live(server), "ray.io/rayservice-finalizer")
    server.objects.delete(PARENT)
    server.objects.create("rayservices", old)
    await until(lambda: server.events().get("DeletionBlocked"), what="DeletionBlocked")
    await operator.settled()
    (event,) = (each for each in server.objects.select("events") if each["reason"] == "DeletionBlocked")
    assert event["regarding"]["uid"] == made["metadata"]["uid"]
    assert server.writes() == CREATE
