"""What each call sends, exactly: the API server's answers are those of a fake transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from llm_operator.kube.client import ObjectKey
from llm_operator.kube.cluster import KubeCluster
from llm_operator.kube.errors import Conflict, NotFound, NotLeader
from llm_operator.kube.resources import (
    ALL_PODS,
    GATEWAYCLASSES,
    LLMDEPLOYMENTS,
    PODDISRUPTIONBUDGETS,
    PODS,
    RAYCLUSTERS,
    RAYSERVICES,
)

RAYSERVICE = "/apis/ray.io/v1/namespaces/llm/rayservices/chat"
APPLY = {"fieldManager": "llm-operator", "force": "true"}
BARE = {"metadata": {"namespace": "llm", "name": "chat"}}
EVENT = {"metadata": {"namespace": "llm", "name": "e1"}, "note": "n"}
LEASE = {"metadata": {"namespace": "ops", "name": "leader"}, "spec": {"holderIdentity": "a"}}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/ops/leases"
EVENTS = "/apis/events.k8s.io/v1/namespaces/llm/events"


@dataclass
class FakeTransport:
    """Writes down requests, after it has asked the fence as the real one does; answers from a list, then {}."""

    answers: list[Any] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)

    async def request(
        self, verb: str, method: str, path: str, *, before_send: Callable[[], None] | None = None, **more: Any
    ) -> Any:
        if before_send is not None:
            before_send()
        more = {key: dict(value) if key == "query" else value for key, value in more.items()}
        self.sent.append({"verb": verb, "method": method, "path": path, "fenced": before_send is not None, **more})
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer


def _cluster(*answers: Any, namespaces: tuple[str, ...] = (), fence: Callable[[], None] = lambda: None) -> Any:
    transport = FakeTransport(list(answers))
    return KubeCluster(transport, namespaces=namespaces, fence=fence), transport  # type: ignore[arg-type]


def _patch(verb: str, path: str, body: Any, kind: str, query: dict[str, str], *, fenced: bool = True) -> dict[str, Any]:
    sent = {"verb": verb, "method": "PATCH", "path": path, "body": body, "content_type": kind, "query": query}
    return {**sent, "fenced": fenced}


Call = Callable[[KubeCluster], Awaitable[Any]]
PARENT = {"metadata": {"namespace": "llm", "name": "chat", "uid": "u", "resourceVersion": "7"}, "spec": {}}
CALLS: dict[str, tuple[Call, dict[str, Any]]] = {
    "apply": (
        lambda cluster: cluster.apply(RAYSERVICES, BARE),
        _patch("apply", RAYSERVICE, BARE, "application/apply-patch+yaml", APPLY),
    ),
    "apply-status": (
        lambda cluster: cluster.apply_status(LLMDEPLOYMENTS, PARENT, {"phase": "x"}),
        _patch(
            "apply-status",
            "/apis/llm-operator.io/v1alpha1/namespaces/llm/llmdeployments/chat/status",
            {
                "apiVersion": "llm-operator.io/v1alpha1",
                "kind": "LLMDeployment",
                "metadata": {"name": "chat", "namespace": "llm", "resourceVersion": "7"},
                "status": {"phase": "x"},
            },
            "application/apply-patch+yaml",
            APPLY,
        ),
    ),
    "apply-status without a version": (
        lambda cluster: cluster.apply_status(LLMDEPLOYMENTS, BARE, {}),
        _patch(
            "apply-status",
            "/apis/llm-operator.io/v1alpha1/namespaces/llm/llmdeployments/chat/status",
            {
                "apiVersion": "llm-operator.io/v1alpha1",
                "kind": "LLMDeployment",
                "metadata": {"name": "chat", "namespace": "llm"},
                "status": {},
            },
            "application/apply-patch+yaml",
            APPLY,
        ),
    ),
    "patch": (
        lambda cluster: cluster.patch_json(RAYCLUSTERS, "llm", "chat-a", ({"op": "test"},)),
        _patch(
            "patch",
            "/apis/ray.io/v1/namespaces/llm/rayclusters/chat-a",
            [{"op": "test"}],
            "application/json-patch+json",
            {"fieldManager": "llm-operator"},
        ),
    ),
    "patch of a status": (
        lambda cluster: cluster.patch_json(RAYSERVICES, "llm", "chat", (), subresource="status"),
        _patch("patch", f"{RAYSERVICE}/status", [], "application/json-patch+json", {"fieldManager": "llm-operator"}),
    ),
    "delete": (
        lambda cluster: cluster.delete(PODS, "llm", "chat-w", uid="u-1"),
        {
            "verb": "delete",
            "method": "DELETE",
            "path": "/api/v1/namespaces/llm/pods/chat-w",
            "fenced": True,
            "body": {
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "propagationPolicy": "Background",
                "preconditions": {"uid": "u-1"},
            },
        },
    ),
    "delete with a time to end": (
        lambda cluster: cluster.delete(PODS, "llm", "chat-w", uid="u-1", grace_seconds=30),
        {
            "verb": "delete",
            "method": "DELETE",
            "path": "/api/v1/namespaces/llm/pods/chat-w",
            "fenced": True,
            "body": {
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "propagationPolicy": "Background",
                "preconditions": {"uid": "u-1"},
                "gracePeriodSeconds": 30,
            },
        },
    ),
    "get": (
        lambda cluster: cluster.get(RAYSERVICES, "llm", "chat"),
        {"verb": "get", "method": "GET", "path": RAYSERVICE, "fenced": False},
    ),
    "get without a namespace": (
        lambda cluster: cluster.get(GATEWAYCLASSES, None, "istio"),
        {
            "verb": "get",
            "method": "GET",
            "path": "/apis/gateway.networking.k8s.io/v1/gatewayclasses/istio",
            "fenced": False,
        },
    ),
    "discover": (
        lambda cluster: cluster.is_served(RAYSERVICES),
        {"verb": "discover", "method": "GET", "path": "/apis/ray.io/v1", "fenced": False},
    ),
    "create event": (
        lambda cluster: cluster.create_event(EVENT),
        {"verb": "create-event", "method": "POST", "path": EVENTS, "body": EVENT, "fenced": True},
    ),
    "get event": (
        lambda cluster: cluster.get_event("llm", "e1"),
        {"verb": "get", "method": "GET", "path": f"{EVENTS}/e1", "fenced": False},
    ),
    "patch event": (
        lambda cluster: cluster.patch_event("llm", "e1", {"series": {"count": 2}}),
        _patch("patch-event", f"{EVENTS}/e1", {"series": {"count": 2}}, "application/merge-patch+json", {}),
    ),
    "get lease": (
        lambda cluster: cluster.get_lease("ops", "leader"),
        {"verb": "get", "method": "GET", "path": f"{LEASES}/leader", "fenced": False},
    ),
    "create lease": (
        lambda cluster: cluster.create_lease(LEASE),
        {"verb": "create-lease", "method": "POST", "path": LEASES, "body": LEASE, "fenced": False},
    ),
    "update lease": (
        lambda cluster: cluster.update_lease(LEASE),
        {"verb": "update-lease", "method": "PUT", "path": f"{LEASES}/leader", "body": LEASE, "fenced": False},
    ),
}


@pytest.mark.parametrize("name", CALLS)
async def test_what_is_sent(name: str) -> None:
    call, request = CALLS[name]
    cluster, transport = _cluster()
    await call(cluster)
    assert transport.sent == [request]


ANSWERED = [name for name in CALLS if not name.startswith("delete") and name != "discover"]


@pytest.mark.parametrize("name", ANSWERED)
async def test_the_answer_is_handed_on(name: str) -> None:
    cluster, _ = _cluster({"kind": "X", "metadata": {"name": "n"}})
    assert await CALLS[name][0](cluster) == {"kind": "X", "metadata": {"name": "n"}}


@pytest.mark.parametrize("name", [name for name, (_, request) in CALLS.items() if request["fenced"]])
async def test_writes_ask_the_fence(name: str) -> None:
    def fence() -> None:
        raise NotLeader

    cluster, transport = _cluster(fence=fence)
    with pytest.raises(NotLeader):
        await CALLS[name][0](cluster)
    assert transport.sent == []


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ({"kind": "Pod", "metadata": {"deletionTimestamp": "t"}}, True),
        ({"kind": "Status", "status": "Success"}, False),
        (NotFound(404, "NotFound", "no"), False),
    ],
    ids=["finalizers hold it", "gone", "was gone"],
)
async def test_delete_tells_what_is_left(answer: Any, left: bool) -> None:
    cluster, _ = _cluster(answer)
    assert await cluster.delete(PODS, "llm", "chat-w", uid="u") == (answer if left else None)


async def test_get_of_nothing_is_none_and_other_errors_are_raised() -> None:
    cluster, _ = _cluster(NotFound(404, "NotFound", "no"), Conflict(409, "Conflict", "no"))
    assert await cluster.get(PODS, "llm", "x") is None
    with pytest.raises(Conflict):
        await cluster.get(PODS, "llm", "x")


@pytest.mark.parametrize(
    ("answer", "served"),
    [
        ({"resources": [{"name": "rayclusters"}, {"name": "rayservices"}]}, True),
        ({"resources": [{"name": "rayclusters"}, {}]}, False),
        ({}, False),
        (NotFound(404, "NotFound", "no"), False),
    ],
)
async def test_a_kind_is_served_when_discovery_names_it(answer: Any, served: bool) -> None:
    cluster, _ = _cluster(answer)
    assert await cluster.is_served(RAYSERVICES) is served


def _item(namespace: str, name: str, **more: str) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name, "uid": f"u-{name}", **more}}


def _asked(path: str, query: dict[str, str]) -> dict[str, Any]:
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    return {"verb": "list", "method": "GET", "path": path, "fenced": False, "query": query, "accept": accept}


async def test_keys_come_from_every_page() -> None:
    cluster, transport = _cluster(
        {"items": [_item("a", "x", resourceVersion="5")], "metadata": {"continue": "more"}},
        {"items": [_item("b", "y")], "metadata": {"continue": ""}},
    )
    assert [key async for key in cluster.list_keys(LLMDEPLOYMENTS)] == [
        ObjectKey("a", "x", "u-x", "5"),
        ObjectKey("b", "y", "u-y", ""),
    ]
    path = "/apis/llm-operator.io/v1alpha1/llmdeployments"
    assert transport.sent == [_asked(path, {"limit": "500"}), _asked(path, {"limit": "500", "continue": "more"})]


async def test_keys_of_the_watched_namespaces_only_and_of_ours_only() -> None:
    cluster, transport = _cluster({"items": None}, {}, namespaces=("a", "b"))
    assert [key async for key in cluster.list_keys(PODDISRUPTIONBUDGETS)] == []
    query = {"limit": "500", "labelSelector": PODDISRUPTIONBUDGETS.selector or "none"}
    assert transport.sent == [
        _asked(f"/apis/policy/v1/namespaces/{name}/poddisruptionbudgets", query) for name in ("a", "b")
    ]


@pytest.mark.parametrize(("fields", "selector"), [("", {}), ("spec.nodeName!=", {"fieldSelector": "spec.nodeName!="})])
async def test_pages_are_of_the_whole_cluster(fields: str, selector: dict[str, str]) -> None:
    cluster, transport = _cluster(
        {"items": [{"a": 1}], "metadata": {"continue": "t"}}, {"items": None}, namespaces=("only",)
    )
    assert [page async for page in cluster.list_pages(ALL_PODS, fields=fields, limit=3)] == [[{"a": 1}], []]
    first = {
        "verb": "list",
        "method": "GET",
        "path": "/api/v1/pods",
        "fenced": False,
        "query": {"limit": "3", **selector},
    }
    assert transport.sent == [first, {**first, "query": {"limit": "3", **selector, "continue": "t"}}]
