"""The slow safety net: removes ghosts from the caches and asks for everything again."""

import asyncio
import logging
from collections.abc import Callable

from llm_operator.control.caches import Caches
from llm_operator.control.store import Key
from llm_operator.kube.client import Cluster
from llm_operator.kube.errors import ApiError
from llm_operator.obs.metrics import Metrics

_logger = logging.getLogger(__name__)
_SETTLE_SECONDS = 1.0
_RETRY_SECONDS = 30.0


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
        """Prunes every served kind, then asks for all LLMDeployments. Raises ApiError."""
        pruned = 0
        orphans: set[Key] = set()
        for resource in self._caches.served:
            store = self._caches.of(resource)
            before = store.uids()
            alive = {key.uid async for key in self._cluster.list_keys(resource)}
            ghosts = store.prune(before, alive)
            pruned += len(ghosts)
            orphans |= {key for ghost in ghosts if (key := self._caches.parent_key(resource, ghost)) is not None}
        # Only now: a child that is gone must not be made again for a parent that is gone too.
        for key in orphans:
            self._caches.ask(key)
        self._metrics.pruned.inc(pruned)
        self._caches.add_all()
        _logger.info("re-sync: %d LLMDeployments, %d ghosts pruned", len(self._caches.parents), pruned)

    def _next_period(self) -> float:
        return self._period * (0.8 + 0.4 * self._jitter())
