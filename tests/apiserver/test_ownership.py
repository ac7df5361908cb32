"""Who owns what of a RayService. Real objects, which KubeRay leaves alone: `managedBy` names another controller (KubeRay 1.6.2,
ray-operator/controllers/ray/rayservice_controller.go). Without our labels, so that a running operator does not see them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final

import pytest
from apiserver.server import STRICT, Answer, Object, Server, owned
from golden.case import CASES, Case
from llm_operator.api import names
from llm_operator.kube.resources import RAYCLUSTERS, RAYSERVICES
from llm_operator.render.drift import differences

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
OTHER: Final = {"managedBy": "kueue.x-k8s.io/multikueue"}


@pytest.fixture
def wanted(namespace: str, own_name: str) -> Object:
    """A rendered RayService, under a name of its own."""
    applied = Case(CASES / "create-two-models").steps[0].outcome.apply
    assert applied is not None
    rendered: Object = copy.deepcopy(applied)
    rendered["metadata"] = {
        "name": own_name,
        "namespace": namespace,
        "annotations": rendered["metadata"]["annotations"],
    }
    return rendered


@pytest.fixture
def live(server: Server, wanted: Object) -> Iterator[Object]:
    """Somebody made the object no business of KubeRay's, then the operator applied it."""
    theirs = copy.deepcopy(wanted)
    theirs["spec"] = {**OTHER, "rayClusterConfig": wanted["spec"]["rayClusterConfig"]}  # the CRD asks for the latter
    server.create(RAYSERVICES, theirs, STRICT | {"fieldManager": "queue"}).accepted()
    yield server.apply(RAYSERVICES, wanted).accepted()
    namespace = wanted["metadata"]["namespace"]
    assert server.request("DELETE", RAYSERVICES.path(namespace, wanted["metadata"]["name"])).code == 200
    assert server.request("GET", RAYCLUSTERS.path(namespace)).accepted()["items"] == [], "KubeRay acted on it"


def _with(obj: Object, **metadata: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], **metadata}}


def _edit(server: Server, live: Object, manager: str, force: bool = True, **part: Object) -> Answer:
    metadata = {key: live["metadata"][key] for key in ("name", "namespace")} | part.pop("metadata", {})
    body = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata, **part}
    return server.apply(RAYSERVICES, body, manager=manager, force=force)


def test_we_own_what_we_render_and_nothing_else(live: Object, wanted: Object) -> None:
    ours = owned(live, names.FIELD_MANAGER)
    assert ours.keys() == {"f:metadata", "f:spec"}
    assert ours["f:spec"].keys() == {f"f:{field}" for field in wanted["spec"]}
    assert live["spec"]["managedBy"] == OTHER["managedBy"]
    assert list(differences(wanted, live)) == []


def test_the_same_again_writes_nothing(server: Server, live: Object, wanted: Object) -> None:
    """A restart of the operator, or a resync, must not even raise the resourceVersion."""
    again = server.apply(RAYSERVICES, wanted).accepted()
    assert again["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]


def test_a_namesake_is_left_alone_and_none_is_made_again(server: Server, live: Object, wanted: Object) -> None:
    """The uid of an apply: it is about this very object, and not ours to own."""
    metadata = live["metadata"]
    ours = server.apply(RAYSERVICES, _with(wanted, uid=metadata["uid"])).accepted()
    assert ours["metadata"]["resourceVersion"] == metadata["resourceVersion"]
    other = server.apply(RAYSERVICES, _with(wanted, uid=_NOBODY))
    assert (other.code, [cause["field"] for cause in other.body["details"]["causes"]][:1]) == (422, ["metadata.uid"])
    gone = server.apply(RAYSERVICES, _with(wanted, uid=_NOBODY, name=f"{metadata['name']}-gone"))
    assert (gone.code, gone.body["reason"]) == (409, "Conflict"), gone.said


def test_a_foreign_field_is_kept(server: Server, live: Object, wanted: Object) -> None:
    theirs: dict[str, Object] = {
        "spec": {"serviceUnhealthySecondThreshold": 900},
        "metadata": {"annotations": {"example.com/team": "a"}},
    }
    edited = _edit(server, live, "other", force=False, **theirs).accepted()
    assert list(differences(wanted, edited)) == [], "what others add is no drift"
    again = server.apply(RAYSERVICES, wanted).accepted()
    assert list(differences(theirs, again)) == []
    assert owned(again, "other")["f:spec"] == {"f:serviceUnhealthySecondThreshold": {}}


def test_a_foreign_change_of_ours_is_undone(server: Server, live: Object, wanted: Object) -> None:
    spec = {"serveConfigV2": "{}", "serviceUnhealthySecondThreshold": 900}
    refused = _edit(server, live, "other", force=False, spec=spec)
    assert refused.code == 409
    assert f'conflict with "{names.FIELD_MANAGER}"' in refused.said[0]
    assert ".spec.serveConfigV2" in refused.said[0]
    edited = _edit(server, live, "other", spec=spec).accepted()
    assert list(differences(wanted, edited)) == ["spec.serveConfigV2"]
    again = server.apply(RAYSERVICES, wanted).accepted()
    assert list(differences(wanted, again)) == []
    assert again["spec"]["serviceUnhealthySecondThreshold"] == 900
    assert owned(again, "other")["f:spec"] == {"f:serviceUnhealthySecondThreshold": {}}


def test_worker_groups_are_ours_as_a_whole(server: Server, live: Object, wanted: Object) -> None:
    """An atomic list: whoever edits one group by hand has edited them all, and our next apply puts all of them right."""
    groups = copy.deepcopy(wanted["spec"]["rayClusterConfig"]["workerGroupSpecs"])
    groups[0]["maxReplicas"] += 1
    path = RAYSERVICES.path(live["metadata"]["namespace"], live["metadata"]["name"])
    patch = [{"op": "replace", "path": "/spec/rayClusterConfig/workerGroupSpecs", "value": groups[:1]}]
    edited = server.request("PATCH", path, patch, content_type="application/json-patch+json").accepted()
    assert list(differences(wanted, edited)) == ["spec.rayClusterConfig.workerGroupSpecs"]
    assert list(differences(wanted, server.apply(RAYSERVICES, wanted).accepted())) == []
