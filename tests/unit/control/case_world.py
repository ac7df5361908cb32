"""A golden case as the real reconciler meets it: an API server that has its objects, and caches that have seen them."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from golden.case import NOW, Case, stored
from llm_operator.api.names import DEPLOYMENT_LABEL
from llm_operator.control.caches import Caches
from llm_operator.control.queue import WorkQueue
from llm_operator.control.reconciler import Reconciler
from llm_operator.kube.resources import (
    GATEWAYCLASSES,
    GATEWAYS,
    HTTPROUTES,
    LLMDEPLOYMENTS,
    OTHER_KINDS,
    PODS,
    RAYCLUSTERS,
    RAYSERVICES,
    Resource,
)
from llm_operator.obs.metrics import Metrics
from llm_operator.outcome import STALLED_GRACE_SECONDS
from llm_operator.plan.inputs import Scope


class ApiServer:
    """Has the objects of a case, and writes down what is written."""

    def __init__(self, case: Case, scope: Scope) -> None:
        self.case, self.scope = case, scope
        self.written: list[Any] = []
        self.objects: dict[tuple[Resource, str], Any] = {(LLMDEPLOYMENTS, scope.name): scope.parent}
        if scope.child is not None:
            self.objects[RAYSERVICES, scope.name] = scope.child
        for obj in scope.others:
            self.objects[_kind(obj), obj["metadata"]["name"]] = obj
        self.seen = scope.gateway

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Any:
        if resource == GATEWAYCLASSES:
            assert namespace is None
            return {} if self.seen is not None and self.seen.class_found else None
        assert namespace == self.scope.namespace
        if resource == GATEWAYS:
            assert name == f"{self.scope.name}-gateway"
            addresses = [{"value": self.seen.address}] if self.seen is not None and self.seen.address else []
            return {"status": {"addresses": addresses}}
        return copy.deepcopy(self.objects.get((resource, name)))

    async def is_served(self, resource: Resource) -> bool:
        assert resource in (GATEWAYS, HTTPROUTES)
        return self.seen is not None and self.seen.served

    async def apply(self, resource: Resource, manifest: Any) -> Any:
        name = manifest["metadata"]["name"]
        self.written.append(("apply", resource.kind, copy.deepcopy(dict(manifest))))
        if resource != RAYSERVICES:
            return _at(manifest)
        answer = _at(stored(manifest, self.objects.get((resource, name)), self.case.raw.get("drops", [])))
        self.objects[resource, name] = answer
        return copy.deepcopy(answer)

    async def apply_status(self, resource: Resource, parent: Any, status: Any) -> Any:
        assert (resource, parent["metadata"]["uid"]) == (LLMDEPLOYMENTS, self.scope.parent["metadata"]["uid"])
        self.written.append(("status", copy.deepcopy(status)))
        return _at({**parent, "status": status})

    async def patch_json(
        self, resource: Resource, namespace: str, name: str, operations: Any, *, subresource: Any = None
    ) -> Any:
        assert namespace == self.scope.namespace
        self.written.append(("patch", resource.kind, name, list(operations), subresource))
        return _at({"metadata": {"name": name, "namespace": namespace}})

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, grace_seconds: int | None = None
    ) -> Any:
        assert grace_seconds == (STALLED_GRACE_SECONDS if resource.kind == "Pod" else None)
        assert namespace == self.scope.namespace
        self.written.append(("delete", resource.kind, name, uid))
        live = self.objects.pop((resource, name), None)
        return None if live is None else _at(_deleted(live))


class Events:
    """Writes down what is told, and of whom."""

    def __init__(self, written: list[Any]) -> None:
        self._written = written

    async def record(self, parent: Any, event: Any) -> None:
        self._written.append(("event", parent["metadata"]["uid"], asdict(event)))

    def forget(self, namespace: str, name: str) -> None:
        raise AssertionError((namespace, name))


def _deleted(obj: Any) -> Any:
    return {**obj, "metadata": {**obj["metadata"], "deletionTimestamp": NOW, "finalizers": ["x"]}}


def _kind(obj: Any) -> Resource:
    return next(kind for kind in OTHER_KINDS if (kind.api_version, kind.kind) == (obj["apiVersion"], obj["kind"]))


def _at(obj: Any, version: str = "2") -> Any:
    """As stored, in a later version."""
    metadata = {"namespace": "llm", **obj["metadata"], "resourceVersion": version}
    return {**obj, "metadata": metadata}


def _labelled(obj: Any, scope: Scope) -> Any:
    """As the caches find it: with the label of the LLMDeployment."""
    metadata = obj["metadata"]
    return {**obj, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), DEPLOYMENT_LABEL: scope.name}}}


class World:
    """A case, its API server, and the caches of an operator that has seen everything."""

    def __init__(self, case: Case) -> None:
        given = case.scope()
        self.case = case
        child = None if given.child is None else _at(given.child, "1")
        self.scope = scope = replace(given, parent=_at(given.parent, "1"), child=child)
        self.api = ApiServer(case, scope)
        self.caches = Caches(WorkQueue(least=1, most=1, jitter=lambda: 0.5), scope.policy)
        self.caches.served = frozenset(
            {LLMDEPLOYMENTS, *OTHER_KINDS} | ({RAYSERVICES} if scope.kuberay_installed else set())
        )
        self.caches.parents.put(scope.parent)
        if child is not None:
            self.caches.of(RAYSERVICES).put(child)
        for kind, objects in ((RAYCLUSTERS, scope.clusters), (PODS, scope.pods)):
            for obj in objects:
                self.caches.of(kind).put(_labelled(_at(obj, "1"), scope))
        for obj in scope.others:
            self.caches.of(_kind(obj)).put(_labelled(_at(obj, "1"), scope))
        self.metrics = Metrics()
        self.now = datetime.fromisoformat(scope.now)
        api: Any = self.api
        self.events = Events(self.api.written)
        events: Any = self.events
        self.reconciler = Reconciler(api, self.caches, events, self.metrics, lambda: self.now)

    async def reconcile(self) -> float | None:
        return await self.reconciler.reconcile((self.scope.namespace, self.scope.name))
