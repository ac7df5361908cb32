"""The status belongs to the operator: a subresource of its own, server-side applied by one field manager."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import pytest
from apiserver.crd_copy import COPY, copied
from apiserver.server import DRY_RUN, STRICT, Answer, Object, Server, owned
from builders import LLM, llm
from golden.case import CASES, Case, cases
from llm_operator.api import names
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync

NOW: Final = "2026-01-01T00:00:00Z"
Apply: TypeAlias = Callable[..., Answer]


def statuses() -> list[Any]:
    """Every status that a golden case writes, on the way and at its end, each once."""
    found = {json.dumps(step.outcome.status): case.name for case in cases() for step in case.steps}
    return [pytest.param(json.loads(status), id=f"{name}-{i}") for i, (status, name) in enumerate(found.items())]


def first_status(made: LLM) -> Object:
    """What the operator says about an object at first sight."""
    status: Object = json.loads(json.dumps(sync(Scope(parent=made.object(), now=NOW)).status))
    return status


def _apply(server: Server, live: Object, status: Object, query: dict[str, str], **options: Any) -> Answer:
    body = {"apiVersion": live["apiVersion"], "kind": live["kind"], "status": status}
    metadata = {key: live["metadata"][key] for key in ("name", "namespace", "uid")}
    return server.apply(COPY, {**body, "metadata": metadata}, subresource="status", query=query, **options)


@pytest.fixture(scope="module")
def stand_in(server: Server, namespace: str, copied_kind: None) -> Object:
    """An object without a status, for dry runs."""
    return server.create(COPY, copied(llm("stand-in").object(), namespace), STRICT).accepted()


@pytest.fixture
def applied(server: Server, namespace: str, copied_kind: None, own_name: str) -> Object:
    """A user has applied an object, of this test's own, with a status that they made up."""
    document = copied(llm(own_name).object(), namespace) | {"status": {"url": "http://elsewhere"}}
    return server.apply(COPY, document, manager="user").accepted()


@pytest.fixture
def apply(server: Server, applied: Object) -> Apply:
    """Server-side apply of a status to that object, as the operator does it."""

    def call(status: Object, **options: Any) -> Answer:
        return _apply(server, applied, status, STRICT, **options)

    return call


@pytest.mark.parametrize("status", statuses())
def test_every_status_is_accepted_as_it_is(server: Server, stand_in: Object, status: Object) -> None:
    assert _apply(server, stand_in, status, DRY_RUN | STRICT).accepted()["status"] == status


def test_a_user_cannot_write_the_status(server: Server, applied: Object) -> None:
    assert "status" not in applied
    assert "f:status" not in owned(applied, "user")
    changed = {**applied, "status": {"url": "http://elsewhere"}}
    path = COPY.path(applied["metadata"]["namespace"], applied["metadata"]["name"])
    assert "status" not in server.request("PUT", path, changed).accepted()


def test_one_manager_owns_the_status_and_nothing_else(apply: Apply, applied: Object) -> None:
    live = apply(first_status(llm())).accepted()
    assert owned(live, names.FIELD_MANAGER, "status").keys() == {"f:status"}
    assert owned(live, names.FIELD_MANAGER) == {}
    assert owned(live, "user").keys() == {"f:spec"}
    assert live["spec"] == applied["spec"]
    assert "annotations" not in live["metadata"]
    assert "finalizers" not in live["metadata"]


def test_the_same_status_again_writes_nothing(apply: Apply) -> None:
    first = apply(first_status(llm())).accepted()
    assert apply(first_status(llm())).accepted()["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_the_spec_cannot_be_written_through_the_status(server: Server, applied: Object) -> None:
    body = {**applied, "spec": {**applied["spec"], "paused": True}, "status": first_status(llm())}
    del body["metadata"]["managedFields"]
    live = server.apply(COPY, body, subresource="status").accepted()
    assert live["spec"] == applied["spec"]
    assert live["metadata"]["generation"] == 1
    assert live["status"] == body["status"]


def test_only_the_resource_version_tells_a_namesake_apart(server: Server, applied: Object) -> None:
    """The object was deleted and made again meanwhile. On /status of a custom resource the API server (1.34) does not look
    at the uid, which it does on the object itself; a resourceVersion it checks."""
    body = {"apiVersion": applied["apiVersion"], "kind": applied["kind"], "status": first_status(llm())}
    metadata = {key: applied["metadata"][key] for key in ("name", "namespace")}
    other = {**metadata, "uid": "00000000-0000-0000-0000-000000000001"}
    spec = {"metadata": other, "spec": applied["spec"]}
    assert server.apply(COPY, body | spec).code == 422
    assert server.apply(COPY, body | {"metadata": other}, subresource="status").accepted()["status"] == body["status"]
    stale = {**metadata, "resourceVersion": applied["metadata"]["resourceVersion"]}
    assert server.apply(COPY, body | {"metadata": stale}, subresource="status").code == 409


def test_another_managers_label_survives(server: Server, apply: Apply, applied: Object) -> None:
    apply(first_status(llm())).accepted()
    metadata = {key: applied["metadata"][key] for key in ("name", "namespace")}
    label = {"apiVersion": COPY.api_version, "kind": COPY.kind, "metadata": {**metadata, "labels": {"team": "a"}}}
    server.apply(COPY, label, manager="other", force=False).accepted()
    live = apply({**first_status(llm()), "modelsReady": "1/1"}).accepted()
    assert live["metadata"]["labels"] == {"team": "a"}
    assert live["status"]["modelsReady"] == "1/1"


def test_an_edit_keeps_the_status(server: Server, apply: Apply, applied: Object) -> None:
    written = apply(first_status(llm())).accepted()["status"]
    spec = {**applied["spec"], "paused": True}
    metadata = {key: applied["metadata"][key] for key in ("name", "namespace")}
    edited = {"apiVersion": COPY.api_version, "kind": COPY.kind, "metadata": metadata, "spec": spec}
    live = server.apply(COPY, edited, manager="user").accepted()
    assert live["metadata"]["generation"] == 2
    assert live["status"] == written


@pytest.mark.parametrize(("field", "key", "kept"), [("conditions", "type", "FastPath"), ("models", "name", "other")])
def test_lists_are_merged_by_key(apply: Apply, field: str, key: str, kept: str) -> None:
    """What the operator leaves out goes, an entry that another manager owns stays."""
    status = first_status(llm().add_model("b"))
    theirs = {**status[field][0], key: kept}
    status[field] = [entry for entry in status[field] if entry[key] != kept]
    apply({field: [theirs]}, manager="other").accepted()
    live = apply(status).accepted()["status"][field]
    assert sorted(entry[key] for entry in live) == sorted([kept, *(entry[key] for entry in status[field])])
    fewer = apply({**status, field: status[field][:-1]}).accepted()["status"][field]
    assert {entry[key] for entry in fewer} == {kept, *(entry[key] for entry in status[field][:-1])}


def test_suspended_after_serving(apply: Apply) -> None:
    """`rayService` loses its values: as an empty map it became null in the store, and every later status was refused."""
    serving = Case(CASES / "unchanged").steps[-1].outcome.status
    suspended = Case(CASES / "suspended").steps[-1].outcome.status
    assert serving["rayService"]["activeCluster"]
    assert not suspended["rayService"]["activeCluster"]
    for status in (serving, suspended, serving, suspended):
        assert apply(status).accepted()["status"] == json.loads(json.dumps(status))


def test_an_unknown_reason_is_refused(apply: Apply) -> None:
    status = first_status(llm())
    status["conditions"][0]["reason"] = "Whatever"
    (said,) = apply(status).said
    assert said.startswith('status.conditions[0].reason: Unsupported value: "Whatever"')
