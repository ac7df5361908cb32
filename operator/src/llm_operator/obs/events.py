"""Records Kubernetes events (events.k8s.io/v1) about LLMDeployments: de-duplicated, limited per object, best effort."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from llm_operator.api import names
from llm_operator.outcome import Event

BURST: Final = 20
"""Events that one object may have at once."""
REFILL_SECONDS: Final = 30.0
"""After the burst: one event per so many seconds and object."""
_MAX_NOTE: Final = 1024
_MAX_COUNTS: Final = 100
_logger = logging.getLogger(__name__)


class EventApi(Protocol):
    """What is needed of kube.client.Cluster."""

    async def create_event(self, event: dict[str, Any]) -> dict[str, Any]:
        """See kube.client.Cluster."""
        ...

    async def get_event(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """See kube.client.Cluster."""
        ...

    async def patch_event(self, namespace: str, name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        """See kube.client.Cluster."""
        ...


@dataclass(slots=True)
class _Object:
    tokens: float
    refilled: float
    counts: dict[str, int] = field(default_factory=dict)


class EventRecorder:
    """`now` is the wall clock (UTC), `monotonic` runs the limits, `is_conflict` tells an existing event's error."""

    def __init__(
        self,
        api: EventApi,
        *,
        identity: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        is_conflict: Callable[[Exception], bool],
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._identity = identity
        self._now = now
        self._monotonic = monotonic
        self._is_conflict = is_conflict
        self._count = count
        self._objects: dict[tuple[str, str], _Object] = {}

    async def record(self, parent: Mapping[str, Any], event: Event) -> None:
        """Creates the event, or raises the count of the same one. Never raises: an event is only a note."""
        metadata = parent["metadata"]
        key = metadata["namespace"], metadata["name"]
        seen = self._objects.setdefault(key, _Object(BURST, self._monotonic()))
        if not self._take(seen):
            self._count("limited")
            return
        name = event_name(metadata["name"], metadata["uid"], event)
        try:
            await self._send(parent, event, name, seen)
            self._count("sent")
        except Exception as error:
            self._count("failed")
            _logger.warning("event %s was not recorded: %s", event.reason, error)

    def forget(self, namespace: str, name: str) -> None:
        """Drops the counters of a deleted LLMDeployment."""
        self._objects.pop((namespace, name), None)

    async def _send(self, parent: Mapping[str, Any], event: Event, name: str, seen: _Object) -> None:
        namespace = parent["metadata"]["namespace"]
        if name not in seen.counts:
            count, new = await self._begin(parent, event, name)
            if len(seen.counts) >= _MAX_COUNTS:
                seen.counts.clear()
            seen.counts[name] = count
            if new:
                return
        seen.counts[name] += 1
        series = {"count": seen.counts[name], "lastObservedTime": self._time()}
        try:
            await self._api.patch_event(namespace, name, {"series": series})
        except Exception:
            # The API server forgets events after an hour: the next one is created anew.
            del seen.counts[name]
            raise

    async def _begin(self, parent: Mapping[str, Any], event: Event, name: str) -> tuple[int, bool]:
        """How often it has happened, and whether this time is counted: who made the event, before a restart or as another
        operator, left the count in it."""
        try:
            await self._api.create_event(self._body(parent, event, name))
            return 1, True
        except Exception as error:
            if not self._is_conflict(error):
                raise
        found = await self._api.get_event(parent["metadata"]["namespace"], name)
        if found is None:
            raise LookupError(f"event {name} has just expired")
        return int((found.get("series") or {}).get("count", 1)), False

    def _take(self, seen: _Object) -> bool:
        now = self._monotonic()
        seen.tokens = min(BURST, seen.tokens + (now - seen.refilled) / REFILL_SECONDS)
        seen.refilled = now
        if seen.tokens < 1:
            return False
        seen.tokens -= 1
        return True

    def _time(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _body(self, parent: Mapping[str, Any], event: Event, name: str) -> dict[str, Any]:
        metadata = parent["metadata"]
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "eventTime": self._time(),
            "reportingController": f"{names.GROUP}/{names.FIELD_MANAGER}",
            "reportingInstance": self._identity[:128],
            "action": event.action,
            "reason": event.reason,
            "type": event.type,
            "note": event.note[:_MAX_NOTE],
            "regarding": {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        }


def event_name(parent: str, uid: str, event: Event) -> str:
    """The same for the same message about the same object, so that two operators or a restart do not double it."""
    text = "\0".join((uid, event.type, event.reason, event.note))
    return f"{parent}.{hashlib.sha256(text.encode()).hexdigest()[:16]}"
