"""Looks after what is left of an LLMDeployment that is gone or being deleted: nothing is written but events."""

from collections.abc import Callable
from typing import Any

from llm_operator.control.caches import Caches, typed
from llm_operator.control.store import Key
from llm_operator.kube.resources import OTHER_KINDS, PODS, RAYCLUSTERS, RAYSERVICES
from llm_operator.obs.events import EventRecorder
from llm_operator.stages.leaving import leaving, owner_of


class Departed:
    """`now`: the time as in Scope.now."""

    def __init__(self, caches: Caches, events: EventRecorder, now: Callable[[], str]) -> None:
        self._caches, self._events, self._now = caches, events, now

    async def look(self, key: Key) -> float | None:
        """Tells what holds a deletion up. Seconds until the next look; None when nothing is left."""
        parent, objects = self._caches.parents.get(key), self._objects(key)
        found = leaving(objects, self._now())
        known = parent or next(filter(None, map(owner_of, objects)), None)
        if known is not None:
            for event in found.events:
                await self._events.record(known, event)
        return found.again_after

    def _objects(self, key: Key) -> list[dict[str, Any]]:
        service = self._caches.of(RAYSERVICES).get(key)
        found = [typed(RAYSERVICES, service)] if service is not None else []
        for kind in (RAYCLUSTERS, PODS, *OTHER_KINDS):
            found += [typed(kind, obj) for obj in self._caches.of(kind).children(key)]
        return found
