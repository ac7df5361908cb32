"""The slow safety net: removes ghosts from the caches, reads what they miss, and asks for everything again."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence, Set

from llm_operator.control.caches import Caches
from llm_operator.control.store import Key
from llm_operator.kube.client import Cluster, ObjectKey
from llm_operator.kube.errors import ApiError
from llm_operator.kube.resources import Resource
from llm_operator.obs.metrics import Metrics

_logger = logging.getLogger(__name__)
_SETTLE_SECONDS = 1.0
_RETRY_SECONDS = 30.0
_MOST_SUSPECTS = 20


class Resync:
    """kopf never reports a deletion that it missed while a watch was interrupted (kopf 1.45.2, _cogs/clients/watching.py:
    it lists again and tells only what exists), so a complete LIST of names decides what is gone."""

    def __init__(
        self,
        cluster: Cluster,
        caches: Caches,
        metrics: Metrics,
        *,
        period: float,
        jitter: Callable[[], float],
    ) -> None:
        self._cluster, self._caches, self._metrics = cluster, caches, metrics
        self._period, self._jitter = period, jitter
        self._requested = asyncio.Event()
        self._finished_at: float | None = None

    def request(self) -> None:
        """Asks for a re-sync soon; many requests in a short time make one."""
        self._requested.set()

    @property
    def overdue(self) -> bool:
        """Whether none finished for three periods."""
        age = 0.0 if self._finished_at is None else asyncio.get_running_loop().time() - self._finished_at
        return age > 3 * self._period

    async def run(self) -> None:
        """Never ends; errors of the API server are logged and tried again."""
        loop = asyncio.get_running_loop()
        self._finished_at = loop.time()
        wait = self._next_period()
        while True:
            try:
                async with asyncio.timeout(wait):
                    await self._requested.wait()
                await asyncio.sleep(_SETTLE_SECONDS)
            except TimeoutError:
                pass
            self._requested.clear()
            try:
                await self.once()
                self._metrics.resyncs.labels("ok").inc()
                self._finished_at, wait = loop.time(), self._next_period()
            except ApiError as error:
                self._metrics.resyncs.labels("error").inc()
                wait = min(self._period, _RETRY_SECONDS)
                _logger.warning("re-sync failed, next try in %g s: %s", wait, error)

    async def once(self) -> None:
        """Prunes and completes every served kind, then asks for all LLMDeployments. Raises ApiError."""
        pruned = 0
        orphans: set[Key] = set()
        for resource in self._caches.served:
            store = self._caches.of(resource)
            before = store.uids()
            listed = [key async for key in self._cluster.list_keys(resource)]
            alive = {key.uid for key in listed}
            ghosts = store.prune(before, alive | await self._unlisted(resource, before, alive))
            await self._catch_up(resource, listed)
            pruned += len(ghosts)
            orphans |= {key for ghost in ghosts if (key := self._caches.parent_key(resource, ghost)) is not None}
        # Only now: a child that is gone must not be made again for a parent that is gone too.
        for key in orphans:
            self._caches.ask(key)
        self._metrics.pruned.inc(pruned)
        self._caches.add_all()
        _logger.info("re-sync: %d LLMDeployments, %d ghosts pruned", len(self._caches.parents), pruned)

    async def _unlisted(self, resource: Resource, before: Mapping[Key, str], alive: Set[str]) -> set[str]:
        """Uids of what the list does not know although it is there. An API server whose cache is behind does not know our last
        writes, and what was forgotten would be made twice (a ControllerRevision with the same number). When many are gone at
        once, nothing is asked: the list is believed. What somebody took our labels from is in no list either: it is looked at."""
        suspects = [(key, uid) for key, uid in before.items() if uid not in alive]
        found: set[str] = set()
        for (namespace, name), uid in suspects if len(suspects) <= _MOST_SUSPECTS else ():
            obj = await self._cluster.get(resource, namespace, name)
            if obj is not None and obj["metadata"]["uid"] == uid:
                found.add(uid)
                self._caches.observe(resource, obj, deleted=False)
        return found

    async def _catch_up(self, resource: Resource, listed: Sequence[ObjectKey]) -> None:
        """Reads what the list knows and the cache does not, also after a moment: no event will tell it."""
        store = self._caches.of(resource)

        def missing(keys: Sequence[ObjectKey]) -> list[ObjectKey]:
            return [key for key in keys if key.version and store.lacks((key.namespace, key.name), key.uid, key.version)]

        if not (late := missing(listed)):
            return
        await asyncio.sleep(_SETTLE_SECONDS)
        for key in missing(late):
            obj = await self._cluster.get(resource, key.namespace, key.name)
            if obj is not None:
                self._caches.observe(resource, obj, deleted=False)
                _logger.warning("no watch told of %s %s/%s; read it", resource.kind, key.namespace, key.name)

    def _next_period(self) -> float:
        return self._period * (0.8 + 0.4 * self._jitter())
