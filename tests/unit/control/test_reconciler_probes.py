"""The reconciler and the prober: what is handed over, and that a stalled replica's pod goes after the status counts it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import applied, llm, serving
from llm_operator.control.caches import Caches
from llm_operator.control.queue import WorkQueue
from llm_operator.control.reconciler import Reconciler
from llm_operator.kube.errors import Conflict, Forbidden
from llm_operator.kube.resources import LLMDEPLOYMENTS, PODS, RAYSERVICES, Resource
from llm_operator.obs.metrics import Metrics
from llm_operator.outcome import STALLED_GRACE_SECONDS, Probing
from llm_operator.plan.inputs import Policy, Probed, Scope, Stall
from llm_operator.sync import sync

KEY = ("llm", "chat")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
POD = {
    "metadata": {
        "name": "chat-abcde-w",
        "namespace": "llm",
        "uid": "u-1",
        "resourceVersion": "1",
        "labels": {"llm-operator.io/deployment": "chat"},
    },
    "status": {},
}


class ApiServer:
    """Writes down what is written; refuses a deletion if told to."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, str]] = []
        self.refusal: Exception | None = None
        self.stored: dict[Resource, Any] = {}

    async def apply(self, resource: Resource, manifest: Any) -> Any:
        self.writes.append(("apply", resource.plural))
        return {**manifest, "metadata": {**manifest["metadata"], "uid": "u", "resourceVersion": "9", "generation": 1}}

    async def apply_status(self, resource: Resource, parent: Any, status: Any) -> Any:
        self.writes.append(("status", str(status["models"][0].get("stallRestarts"))))
        return {**parent, "metadata": {**parent["metadata"], "resourceVersion": "8"}, "status": status}

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, grace_seconds: int | None = None
    ) -> Any:
        assert grace_seconds == STALLED_GRACE_SECONDS
        if self.refusal is not None:
            raise self.refusal
        self.writes.append(("delete", f"{resource.plural}/{name}/{uid}"))
        return {
            **POD,
            "metadata": {**POD["metadata"], "resourceVersion": "2", "deletionTimestamp": "2026-01-01T00:00:00Z"},
        }

    async def get(self, resource: Resource, namespace: str, name: str) -> Any:
        return self.stored.get(resource)


class Probes:
    """What running models answer."""

    def __init__(self) -> None:
        self.handed: list[Probing] = []

    def watch(self, key: tuple[str, str], probing: Probing) -> None:
        self.handed.append(probing)

    def results(self, key: tuple[str, str]) -> dict[str, Probed]:
        return {"chat": Probed("chat-abcde", served=True)}

    def stalls(self, key: tuple[str, str]) -> tuple[Stall, ...]:
        return (Stall("chat", "chat-abcde-w", "u-1", "r", alone=True),)


class Events:
    """Nobody listens."""

    async def record(self, parent: Any, event: Any) -> None: ...

    def forget(self, namespace: str, name: str) -> None: ...


class World:
    """One LLMDeployment that serves, one of whose replicas has stalled."""

    def __init__(self) -> None:
        self.api, self.probes = ApiServer(), Probes()
        queue = WorkQueue(least=1, most=1, jitter=lambda: 0.5)
        self.caches = Caches(queue, Policy(restart_stalled=True))
        self.caches.served = frozenset({LLMDEPLOYMENTS, RAYSERVICES, PODS})
        self.caches.probes = self.probes  # type: ignore[assignment]
        parent = llm("chat").model(health={"tokenProgress": {"stallSeconds": 60, "action": "Restart"}}).object()
        parent["metadata"]["resourceVersion"] = "1"
        wanted = sync(Scope(parent=parent, now="2026-01-01T00:00:00Z")).apply
        assert wanted is not None
        child = serving(applied(wanted), "chat")
        self.api.stored = {LLMDEPLOYMENTS: parent, RAYSERVICES: child}
        self.caches.parents.put(parent)
        self.caches.of(RAYSERVICES).put(child)
        self.caches.of(PODS).put(POD)
        self.reconciler = Reconciler(self.api, self.caches, Events(), Metrics(), lambda: NOW)  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    return World()


async def test_the_status_counts_the_restart_before_it_is_made(world: World) -> None:
    await world.reconciler.reconcile(KEY)
    assert world.api.writes[-2:] == [("status", "['2026-01-01T00:00:00Z']"), ("delete", "pods/chat-abcde-w/u-1")]
    world.api.writes.clear()
    await world.reconciler.reconcile(KEY)
    assert ("delete", "pods/chat-abcde-w/u-1") not in world.api.writes, "it is on its way out already"


@pytest.mark.parametrize("refusal", [Forbidden(403, "Forbidden", "no"), Conflict(409, "Conflict", "another uid")])
async def test_a_refused_deletion_does_not_stop_the_rest(world: World, refusal: Exception) -> None:
    world.api.refusal = refusal
    await world.reconciler.reconcile(KEY)
    assert [verb for verb, _ in world.api.writes].count("status") == 1


async def test_the_prober_is_told_what_to_ask_and_when_to_stop(world: World) -> None:
    await world.reconciler.reconcile(KEY)
    asked = world.probes.handed[-1]
    assert [target.name for target in asked.targets] == ["chat"]
    assert [each.model for each in asked.progress] == ["chat"]
    parent = world.caches.parents.get(KEY)
    assert parent is not None
    world.caches.parents.discard(parent)
    await world.reconciler.reconcile(KEY)
    assert world.probes.handed[-1] == Probing()
