"""Reconciles one LLMDeployment: gather the scope, call the pure sync, send what differs. Child first, status last."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from llm_operator.api.conditions import ConditionType
from llm_operator.control.caches import Caches
from llm_operator.control.store import Key, trim
from llm_operator.kube.client import Cluster
from llm_operator.kube.errors import ApiError, Forbidden, Invalid
from llm_operator.kube.resources import LLMDEPLOYMENTS, RAYCLUSTERS, RAYSERVICES
from llm_operator.obs.events import EventRecorder
from llm_operator.obs.metrics import Metrics
from llm_operator.outcome import Outcome
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync

_logger = logging.getLogger(__name__)


class Reconciler:
    """`now` is the wall clock in UTC. Every failed request is raised as ApiError: the worker backs off."""

    def __init__(
        self, cluster: Cluster, caches: Caches, events: EventRecorder, metrics: Metrics, now: Callable[[], datetime]
    ) -> None:
        self._cluster, self._caches, self._events = cluster, caches, events
        self._metrics, self._now = metrics, now

    async def reconcile(self, key: Key) -> float | None:
        """Makes the cluster as the spec says and the status as the cluster is. Returns seconds until the next look, or
        None. Zero writes when nothing differs."""
        scope = self._caches.scope(key, now=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        if scope is None:
            self._forget(key)
            return None
        outcome = sync(scope)
        if outcome.apply is not None and scope.child is None:
            confirmed = await self._confirm(scope)
            if confirmed is None:
                self._forget(key)
                return None
            if confirmed is not scope:
                scope, outcome = confirmed, sync(confirmed)
        refusal: ApiError | None = None
        if outcome.apply is not None and not _terminating(scope.child):
            scope, outcome, refusal = await self._apply(scope, outcome.apply, outcome)
        if outcome.delete_child:
            scope, outcome = await self._delete_child(scope, outcome)
        for patch in outcome.patches:
            answer = await self._cluster.patch_json(RAYCLUSTERS, scope.namespace, patch.name, patch.operations)
            self._caches.of(RAYCLUSTERS).put(answer)
            _logger.info("patched RayCluster %s: %d operations", patch.name, len(patch.operations))
        await self._write_status(scope, outcome)
        if refusal is not None:
            raise refusal
        return outcome.requeue_after

    def _forget(self, key: Key) -> None:
        self._metrics.forget(*key)
        self._events.forget(*key)

    async def _confirm(self, scope: Scope) -> Scope | None:
        """Asks the API server before a child is created, since a cache may be behind or blind: a deletion of the parent
        may be lost in a watch gap (None), and a namesake of somebody else has no label of ours."""
        parent = await self._cluster.get(LLMDEPLOYMENTS, scope.namespace, scope.name)
        if parent is None or parent["metadata"]["uid"] != scope.parent["metadata"]["uid"] or _terminating(parent):
            self._caches.parents.discard(scope.parent)
            return None
        child = await self._cluster.get(RAYSERVICES, scope.namespace, scope.name)
        return replace(scope, child=trim(child)) if child is not None else scope

    async def _apply(
        self, scope: Scope, wanted: dict[str, Any], outcome: Outcome
    ) -> tuple[Scope, Outcome, ApiError | None]:
        """Applies the RayService; the new scope has the answer as its child. A refusal goes into the status first."""
        try:
            answer = await self._cluster.apply(RAYSERVICES, wanted)
        except (Invalid, Forbidden) as refusal:
            refused = replace(scope, apply_error=refusal.message)
            return refused, sync(refused), refusal
        self._caches.of(RAYSERVICES).put(answer)
        _logger.info("applied RayService %s, generation %s", scope.name, answer["metadata"].get("generation"))
        await self._record(scope, outcome)
        applied = replace(scope, child=trim(answer), applied=True)
        return applied, sync(applied), None

    async def _delete_child(self, scope: Scope, outcome: Outcome) -> tuple[Scope, Outcome]:
        if scope.child is None or _terminating(scope.child):
            return scope, outcome
        uid = scope.child["metadata"]["uid"]
        left = await self._cluster.delete(RAYSERVICES, scope.namespace, scope.name, uid=uid)
        store = self._caches.of(RAYSERVICES)
        if left is None:
            store.discard(scope.child)
        else:
            store.put(left)
        _logger.info("deleted RayService %s (suspended)", scope.name)
        scope = replace(scope, child=store.get((scope.namespace, scope.name)))
        return scope, sync(scope)

    async def _write_status(self, scope: Scope, outcome: Outcome) -> None:
        self._metrics.set_ready(scope.namespace, scope.name, ready=_is_ready(outcome.status))
        if outcome.status == scope.status:
            return
        answer = await self._cluster.apply_status(LLMDEPLOYMENTS, scope.parent, outcome.status)
        self._caches.parents.put(answer)
        _logger.info("status: %s", _summary(outcome.status))
        await self._record(scope, outcome)

    async def _record(self, scope: Scope, outcome: Outcome) -> None:
        for event in outcome.events:
            await self._events.record(scope.parent, event)


def _terminating(obj: Any) -> bool:
    return obj is not None and "deletionTimestamp" in obj["metadata"]


def _ready(status: dict[str, Any]) -> dict[str, Any]:
    found = (entry for entry in status.get("conditions") or () if entry["type"] == ConditionType.READY.value)
    return next(found, {})


def _is_ready(status: dict[str, Any]) -> bool:
    return _ready(status).get("status") == "True"


def _summary(status: dict[str, Any]) -> str:
    ready = _ready(status)
    return f"Ready={ready.get('status')} {ready.get('reason')}: {str(ready.get('message', ''))[:200]}"
