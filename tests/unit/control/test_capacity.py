"""How the API server is asked for what is free, and for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import applied, llm, serving
from llm_operator.capacity.room import Room
from llm_operator.control.caches import Caches
from llm_operator.control.capacity import PAGE_SIZE, STANDS_SECONDS, FreeCapacity
from llm_operator.control.queue import WorkQueue
from llm_operator.control.reconciler import Reconciler
from llm_operator.kube.errors import ApiError, Forbidden, Unavailable
from llm_operator.kube.resources import LLMDEPLOYMENTS, RAYSERVICES, Resource
from llm_operator.obs.metrics import Metrics
from llm_operator.plan.inputs import Policy, Scope
from llm_operator.rollout.clock import later
from llm_operator.stages.writes import LOOK_AGAIN_SECONDS
from llm_operator.sync import sync

NOW = "2026-01-01T00:00:00Z"
GPU = "nvidia.com/gpu"
KEY = ("llm", "chat")


def _node(gpus: int) -> dict[str, Any]:
    allocatable = {GPU: str(gpus), "cpu": "64", "memory": "256Gi", "pods": "110"}
    status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": allocatable}
    return {"metadata": {"name": "n"}, "status": status}


def _pod(gpus: int, **labels: str) -> dict[str, Any]:
    container = {"resources": {"requests": {GPU: str(gpus)}}}
    metadata = {"name": "p", "namespace": "llm", "labels": labels}
    return {"metadata": metadata, "spec": {"nodeName": "n", "containers": [container]}}


class ApiServer:
    """Lists what is stored, and notes what it was asked and told."""

    def __init__(self, *pods: dict[str, Any], gpus: int = 2) -> None:
        self.nodes, self.pods = [_node(gpus)], list(pods)
        self.refusal: ApiError | None = None
        self.asked: list[tuple[str, str, int]] = []
        self.writes: list[str] = []
        self.stored: dict[Resource, Any] = {}

    async def list_pages(self, resource: Resource, *, fields: str, limit: int) -> AsyncIterator[list[Any]]:
        self.asked.append((resource.path(None), fields, limit))
        if self.refusal is not None:
            raise self.refusal
        for each in self.nodes if resource.plural == "nodes" else self.pods:
            yield [each]

    async def get(self, resource: Resource, namespace: str, name: str) -> Any:
        return self.stored.get(resource)

    async def apply(self, resource: Resource, manifest: Any) -> Any:
        self.writes.append(f"apply {resource.plural}")
        metadata = {**manifest["metadata"], "uid": "u", "resourceVersion": str(10 + len(self.writes)), "generation": 2}
        self.stored[resource] = {**self.stored.get(resource, {}), **manifest, "metadata": metadata}
        return self.stored[resource]

    async def apply_status(self, resource: Resource, parent: Any, status: Any) -> Any:
        self.writes.append("status")
        metadata = {**parent["metadata"], "resourceVersion": str(10 + len(self.writes))}
        self.stored[LLMDEPLOYMENTS] = {**parent, "metadata": metadata, "status": status}
        return self.stored[LLMDEPLOYMENTS]


def _running(name: str = "chat", image: str = "img:1") -> tuple[dict[str, Any], dict[str, Any]]:
    parent = llm(name).with_("spec.ray", {"image": image}).object()
    parent["metadata"]["resourceVersion"] = "1"
    rendered = sync(Scope(parent=parent, now=NOW)).apply
    assert rendered is not None
    return parent, serving(applied(rendered), name)


def _scope(now: str = NOW) -> Scope:
    parent, child = _running()
    return Scope(parent=parent, now=now, child=child, policy=Policy(free_capacity=True))


def _config(scope: Scope, gpus: int = 1) -> Any:
    changed = llm("chat").gpu("L4", gpus).object()
    rendered = sync(replace(scope, parent=changed, child=None)).apply
    assert rendered is not None
    return rendered["spec"]["rayClusterConfig"]


async def _look(api: ApiServer, capacity: FreeCapacity | None = None, *, now: str = NOW, gpus: int = 1) -> Room:
    scope = _scope(now)
    found = (await (capacity or FreeCapacity(api)).look(scope, _config(scope, gpus))).room  # type: ignore[arg-type]
    assert found is not None
    return found


async def test_nodes_then_running_pods_of_everybody_in_pages() -> None:
    api = ApiServer(_pod(1))
    assert (await _look(api)).lacking == ""
    assert api.asked == [
        ("/api/v1/nodes", "", PAGE_SIZE),
        ("/api/v1/pods", "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed", PAGE_SIZE),
    ]


async def test_a_replaced_ray_cluster_of_ours_is_about_to_go() -> None:
    ours = {"llm-operator.io/deployment": "chat"}
    old, active = {"ray.io/cluster": "chat-00001"}, {"ray.io/cluster": "chat-abcde"}
    assert (await _look(ApiServer(_pod(2, **ours, **old)))).lacking == ""
    assert (await _look(ApiServer(_pod(2, **ours, **active)))).lacking
    assert (await _look(ApiServer(_pod(2, **{"llm-operator.io/deployment": "other"}, **old)))).lacking
    elsewhere = _pod(2, **ours, **old)
    elsewhere["metadata"]["namespace"] = "other"
    assert (await _look(ApiServer(elsewhere))).lacking


@pytest.mark.parametrize("refusal", [Forbidden(403, "Forbidden", "nodes is forbidden"), Unavailable(503, "x", "busy")])
async def test_who_may_not_look_knows_nothing(refusal: ApiError) -> None:
    api = ApiServer(gpus=0)
    api.refusal = refusal
    found = await _look(api)
    assert (found.known, found.lacking) == (False, "")
    assert refusal.message in found.unknown


async def test_that_there_is_none_stands_for_a_while() -> None:
    api = ApiServer(_pod(2))
    capacity = FreeCapacity(api)  # type: ignore[arg-type]
    full = await _look(api, capacity)
    assert full.lacking
    api.pods.clear()
    soon, then = later(NOW, STANDS_SECONDS - 1), later(NOW, STANDS_SECONDS)
    assert await _look(api, capacity, now=soon) is full
    assert len(api.asked) == 2
    assert (await _look(api, capacity, now=soon, gpus=2)).lacking == "", "another change"
    api.pods.append(_pod(2))
    assert (await _look(api, capacity, now=soon)).lacking, "that there is room stands for nothing"
    api.pods.clear()
    assert (await _look(api, capacity, now=later(then, STANDS_SECONDS))).lacking == ""


@pytest.mark.parametrize("now", [later(NOW, STANDS_SECONDS), later(NOW, -86_400)])
async def test_it_is_looked_for_again_also_when_the_clock_was_set_back(now: str) -> None:
    api = ApiServer(_pod(2))
    capacity = FreeCapacity(api)  # type: ignore[arg-type]
    assert (await _look(api, capacity)).lacking
    api.pods.clear()
    assert (await _look(api, capacity, now=now)).lacking == ""


async def test_a_change_that_waits_is_not_started_by_a_failed_look() -> None:
    api = ApiServer(_pod(2))
    capacity = FreeCapacity(api)  # type: ignore[arg-type]
    full = await _look(api, capacity)
    again = later(NOW, STANDS_SECONDS)
    api.refusal = Unavailable(503, "x", "busy")
    assert await _look(api, capacity, now=again) is full
    api.refusal = Forbidden(403, "Forbidden", "no longer")
    assert not (await _look(api, capacity, now=again)).known
    api.refusal = Unavailable(503, "x", "busy")
    capacity.forget(KEY)
    assert not (await _look(api, capacity, now=again)).known


class Events:
    """Nobody listens."""

    async def record(self, parent: Any, event: Any) -> None: ...

    def forget(self, namespace: str, name: str) -> None: ...


class World:
    """One LLMDeployment that serves, whose image was changed, in a full cluster."""

    def __init__(self, *, counts: bool = True, strategy: str = "Auto") -> None:
        self.api = ApiServer(_pod(2))
        self.caches = Caches(WorkQueue(least=1, most=1, jitter=lambda: 0.5), Policy(free_capacity=counts))
        self.caches.served = frozenset({LLMDEPLOYMENTS, RAYSERVICES})
        parent, child = _running()
        parent["spec"] |= {"ray": {"image": "img:2"}, "rollout": {"strategy": strategy}}
        parent["metadata"]["generation"] = 2
        self.api.stored = {LLMDEPLOYMENTS: parent, RAYSERVICES: child}
        self.caches.parents.put(parent)
        self.caches.of(RAYSERVICES).put(child)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.reconciler = Reconciler(self.api, self.caches, Events(), Metrics(), lambda: self.now)  # type: ignore[arg-type]


async def test_a_change_waits_without_writes_and_starts_when_there_is_room() -> None:
    world = World()
    assert await world.reconciler.reconcile(KEY) == LOOK_AGAIN_SECONDS
    assert world.api.writes == ["status"]
    for minute in (1, 2):
        world.now = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
        assert await world.reconciler.reconcile(KEY) == LOOK_AGAIN_SECONDS
    assert world.api.writes == ["status"]
    assert len(world.api.asked) == 6
    world.api.pods.clear()
    world.now = datetime(2026, 1, 1, 0, 3, tzinfo=UTC)
    await world.reconciler.reconcile(KEY)
    assert world.api.writes[:2] == ["status", "apply rayservices"]
    asked = len(world.api.asked)
    world.api.pods.append(_pod(2))
    await world.reconciler.reconcile(KEY)
    assert len(world.api.asked) == asked, "what has started is not looked at again"
    assert world.api.writes.count("apply rayservices") == 1


async def test_an_edit_that_comes_while_it_is_counted_is_counted_anew() -> None:
    world = World()
    edited = {**world.api.stored[LLMDEPLOYMENTS]}
    edited["metadata"] = {**edited["metadata"], "resourceVersion": "2", "generation": 3}
    edited["spec"] = {**edited["spec"], "models": llm("chat").gpu("L4", 2).object()["spec"]["models"]}
    world.api.pods.clear()
    world.api.pods.append(_pod(1))  # room for one, and not for two
    world.api.stored[LLMDEPLOYMENTS] = edited
    assert await world.reconciler.reconcile(KEY) == LOOK_AGAIN_SECONDS
    assert world.api.writes == ["status"]


@pytest.mark.parametrize("settings", [{"counts": False}, {"strategy": "BlueGreen"}])
async def test_others_cost_nothing(settings: dict[str, Any]) -> None:
    world = World(**settings)
    await world.reconciler.reconcile(KEY)
    assert world.api.asked == []
    assert world.api.writes[0] == "apply rayservices"
