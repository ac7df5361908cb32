"""Reconciles one LLMDeployment: gather the scope, call the pure sync, send what differs. Child first, status last."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from llm_operator.api.conditions import ConditionType
from llm_operator.control.caches import Caches
from llm_operator.control.capacity import FreeCapacity
from llm_operator.control.confirm import acts, fresh, terminating
from llm_operator.control.departed import Departed
from llm_operator.control.gateway import Gateways, wait
from llm_operator.control.others import Others
from llm_operator.control.store import Key, trim
from llm_operator.kube.client import Cluster
from llm_operator.kube.errors import ApiError, Conflict, Forbidden, Invalid
from llm_operator.kube.resources import LLMDEPLOYMENTS, PODS, RAYCLUSTERS, RAYSERVICES
from llm_operator.obs.events import EventRecorder
from llm_operator.obs.metrics import Metrics
from llm_operator.outcome import STALLED_GRACE_SECONDS, Outcome, Probing
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync

_logger = logging.getLogger(__name__)
_MOST_ANNOUNCEMENTS = 2  # that it goes back to the last spec that served, and that this means downtime


class Reconciler:
    """`now` is the wall clock in UTC. Every failed request is raised as ApiError: the worker backs off."""

    def __init__(
        self, cluster: Cluster, caches: Caches, events: EventRecorder, metrics: Metrics, now: Callable[[], datetime]
    ) -> None:
        self._cluster, self._caches, self._events = cluster, caches, events
        self._metrics, self._now = metrics, now
        self._others = Others(cluster, caches)
        self._gateways = Gateways(cluster)
        self._capacity = FreeCapacity(cluster)
        self._departed = Departed(caches, events, self._time)

    async def reconcile(self, key: Key) -> float | None:
        """Makes the cluster as the spec says and the status as the cluster is. Returns seconds until the next look, or
        None. Zero writes when nothing differs."""
        scope = self._caches.scope(key, now=self._time())
        if scope is None:
            self._forget(key)
            return await self._departed.look(key)
        decided = await self._decide(await self._gateways.look(scope))
        if decided is None:
            self._forget(key)
            return None
        scope, outcome = decided
        refusal: ApiError | None = None
        if outcome.apply is not None and not terminating(scope.child):
            scope, outcome, refusal = await self._apply(scope, outcome.apply, outcome)
        if outcome.delete_child:
            scope, outcome = await self._delete_child(scope, outcome)
        for patch in outcome.patches:
            answer = await self._cluster.patch_json(RAYCLUSTERS, scope.namespace, patch.name, patch.operations)
            self._caches.of(RAYCLUSTERS).put(answer)
            _logger.info("patched RayCluster %s: %d operations", patch.name, len(patch.operations))
        scope, outcome, refused = await self._others.write(scope, outcome)
        refusal = refusal or refused
        await self._end(key, scope, outcome)
        if refusal is not None:
            raise refusal
        leaving = await self._departed.look(key) if terminating(scope.child) else None
        waits = (outcome.requeue_after, leaving, wait(scope))
        return min((seconds for seconds in waits if seconds is not None), default=None)

    async def _decide(self, scope: Scope) -> tuple[Scope, Outcome] | None:
        """What to do, after what has to be said first was said; None when the parent is gone."""
        scope, outcome = await self._counted(scope, sync(scope))
        if acts(scope, outcome):
            seen = await fresh(self._cluster, self._caches, scope)
            if seen is None:
                return None
            if seen is not scope:
                seen = replace(seen, room=None)
                scope, outcome = await self._counted(seen, sync(seen))
        for _ in range(_MOST_ANNOUNCEMENTS):
            if outcome.announce:
                scope, outcome = await self._announce(scope, outcome)
        return await self._counted(scope, outcome)

    async def _counted(self, scope: Scope, outcome: Outcome) -> tuple[Scope, Outcome]:
        """What to do when it is known whether there is room, where that matters."""
        if outcome.room_for is None:
            return scope, outcome
        scope = await self._capacity.look(scope, outcome.room_for)
        return scope, sync(scope)

    async def _end(self, key: Key, scope: Scope, outcome: Outcome) -> None:
        """What comes last: the status, and what it has announced."""
        if outcome.probing is not None and self._caches.probes is not None:
            self._caches.probes.watch(key, outcome.probing)
        await self._write_status(scope, outcome)
        await self._delete_pods(scope, outcome)
        await self._drop_pending(scope, outcome)

    async def _announce(self, scope: Scope, outcome: Outcome) -> tuple[Scope, Outcome]:
        """Writes down what is about to be done, and what to do then."""
        announced = await self._write_status(scope, outcome)
        return announced, sync(announced)

    async def _drop_pending(self, scope: Scope, outcome: Outcome) -> None:
        """Refused when KubeRay has another cluster under preparation by now: the worker looks again."""
        if (drop := outcome.drop_pending) is None:
            return
        answer = await self._cluster.patch_json(
            RAYSERVICES, scope.namespace, scope.name, drop.operations, subresource="status"
        )
        self._caches.of(RAYSERVICES).put(answer)
        _logger.info("RayService %s gives up Ray cluster %s", scope.name, drop.cluster)

    async def _delete_pods(self, scope: Scope, outcome: Outcome) -> None:
        """Stalled replicas; the status, which counts them, is written."""
        for deletion in outcome.pod_deletions:
            try:
                left = await self._cluster.delete(
                    PODS, scope.namespace, deletion.name, uid=deletion.uid, grace_seconds=STALLED_GRACE_SECONDS
                )
            except (Conflict, Forbidden) as refusal:
                _logger.error("pod %s, whose replica makes no token, is not deleted: %s", deletion.name, refusal)
                continue
            if left is not None:
                self._caches.of(PODS).put(left)
            _logger.warning("deleted pod %s: its replica makes no token", deletion.name)

    def _time(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _forget(self, key: Key) -> None:
        if self._caches.probes is not None:
            self._caches.probes.watch(key, Probing())
        self._metrics.forget(*key)
        self._events.forget(*key)
        self._capacity.forget(key)

    async def _apply(
        self, scope: Scope, wanted: dict[str, Any], outcome: Outcome
    ) -> tuple[Scope, Outcome, ApiError | None]:
        """Applies the RayService; the new scope has the answer as its child. A refusal goes into the status first. Conflict
        when the RayService that the decision was about is gone by now: it is not made again for an owner that may be gone too."""
        try:
            answer = await self._cluster.apply(RAYSERVICES, _identified(wanted, scope.child))
        except (Invalid, Forbidden) as refusal:
            refused = replace(scope, apply_error=refusal.message)
            return refused, sync(refused), refusal
        self._caches.of(RAYSERVICES).put(answer)
        _logger.info("applied RayService %s, generation %s", scope.name, answer["metadata"].get("generation"))
        await self._record(scope, outcome)
        applied = replace(scope, child=trim(answer), applied=True)
        return applied, sync(applied), None

    async def _delete_child(self, scope: Scope, outcome: Outcome) -> tuple[Scope, Outcome]:
        if scope.child is None or terminating(scope.child):
            return scope, outcome
        uid = scope.child["metadata"]["uid"]
        left = await self._cluster.delete(RAYSERVICES, scope.namespace, scope.name, uid=uid)
        store = self._caches.of(RAYSERVICES)
        if left is None:
            store.discard(scope.child)
        else:
            store.put(left)
        _logger.info("deleted RayService %s", scope.name)
        scope = replace(scope, child=store.get((scope.namespace, scope.name)))
        return scope, sync(scope)

    async def _write_status(self, scope: Scope, outcome: Outcome) -> Scope:
        """The scope with the LLMDeployment as stored."""
        self._metrics.set_ready(scope.namespace, scope.name, ready=_is_ready(outcome.status))
        if _told(outcome.status) == _told(scope.status):
            return scope
        answer = await self._cluster.apply_status(LLMDEPLOYMENTS, scope.parent, outcome.status)
        self._caches.parents.put(answer)
        _logger.info("status: %s", _summary(outcome.status))
        await self._record(scope, outcome)
        return replace(scope, parent=trim(answer))

    async def _record(self, scope: Scope, outcome: Outcome) -> None:
        for event in outcome.events:
            await self._events.record(scope.parent, event)


def _identified(wanted: dict[str, Any], live: Any) -> dict[str, Any]:
    """With the uid of the object that is there: an apply of another uid, or of one that is gone, is a conflict (Kubernetes 1.34,
    apiserver/pkg/endpoints/handlers/patch.go)."""
    return wanted if live is None else {**wanted, "metadata": {**wanted["metadata"], "uid": live["metadata"]["uid"]}}


def _told(status: Any) -> Any:
    """Without the nulls and empty maps that the API server keeps of fields that an apply dropped: writing again would not
    remove them."""
    if isinstance(status, dict | Mapping):  # dict first: Mapping is asked in Python
        told = {key: _told(value) for key, value in status.items()}
        return {key: value for key, value in told.items() if value not in (None, {})}
    return [_told(item) for item in status] if isinstance(status, list) else status


def _ready(status: dict[str, Any]) -> dict[str, Any]:
    found = (entry for entry in status.get("conditions") or () if entry["type"] == ConditionType.READY.value)
    return next(found, {})


def _is_ready(status: dict[str, Any]) -> bool:
    return _ready(status).get("status") == "True"


def _summary(status: dict[str, Any]) -> str:
    ready = _ready(status)
    return f"Ready={ready.get('status')} {ready.get('reason')}: {str(ready.get('message', ''))[:200]}"
