"""Keeps the watches running: looks which kinds are served, starts kopf on them, starts it again when it ends."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from llm_operator.config import Config
from llm_operator.control.caches import Caches
from llm_operator.control.queue import backoff
from llm_operator.control.resync import Resync
from llm_operator.control.watches import Watches
from llm_operator.kube.client import Cluster
from llm_operator.kube.errors import ApiError
from llm_operator.kube.resources import LLMDEPLOYMENTS, RAYSERVICES, WATCHED, Resource
from llm_operator.obs.metrics import Metrics

MAX_QUICK_FAILURES: Final = 10
"""So many failures in a row, each within STABLE_SECONDS of its start, end the process (kubelet restarts it)."""
STABLE_SECONDS: Final = 60.0
_BACKOFF_LEAST, _BACKOFF_MOST = 1.0, 30.0
_logger = logging.getLogger(__name__)


class WatchesFailed(Exception):
    """The watches ended again and again."""


class Supervisor:
    """kopf 1.45.2 ends on many watch errors (any ERROR event but 410; 410 as a status; a LIST that fails for a minute). That
    must not end the process: caches and leadership would be lost."""

    def __init__(
        self,
        config: Config,
        cluster: Cluster,
        caches: Caches,
        resync: Resync,
        metrics: Metrics,
        *,
        jitter: Callable[[], float],
    ) -> None:
        self._config, self._cluster, self._caches = config, cluster, caches
        self._resync, self._metrics, self._jitter = resync, metrics, jitter
        self._watches: Watches | None = None
        self._problem: str | None = "starting"

    @property
    def problem(self) -> str | None:
        """Why the caches are not (yet) what they should be; None when all is well."""
        return self._problem

    async def run(self) -> None:
        """Ends only by WatchesFailed or by cancellation."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            try:
                await self._one_life()
                failures = 0
                continue
            except ApiError as error:
                self._problem = str(error)
            except WatchesFailed as error:
                self._problem = str(error)
            finally:
                await self._stop_watches()
            failures = 1 if loop.time() - started > STABLE_SECONDS else failures + 1
            if failures >= MAX_QUICK_FAILURES:
                raise WatchesFailed(f"the watches failed {failures} times in a row: {self._problem}")
            self._metrics.watch_restarts.inc()
            wait = backoff(failures, least=_BACKOFF_LEAST, most=_BACKOFF_MOST, jitter=self._jitter())
            _logger.warning("watches ended, start again in %.1f s: %s", wait, self._problem)
            await asyncio.sleep(wait)

    async def _one_life(self) -> None:
        """From a look at what is served to the next change of it. Raises ApiError or WatchesFailed."""
        served = await self._discover()
        if served != self._caches.served:
            self._caches.warm.clear()
            self._caches.served = served
        if LLMDEPLOYMENTS not in served:
            self._problem = "CustomResourceDefinition llmdeployments.llm-operator.io is not installed"
            _logger.error("%s: apply manifests/crd.yaml; looking again until it is there", self._problem)
            await self._until_served(served)
            return
        self._watches = Watches(
            sorted(served, key=lambda kind: kind.plural),
            namespaces=self._config.namespaces,
            request_timeout=self._config.request_timeout_seconds,
            observe=self._observe,
        )
        self._watches.start()
        life = asyncio.create_task(self._watches.wait(), name="watches-end")
        follow = asyncio.create_task(self._follow(served), name="watches-follow")
        try:
            await asyncio.wait((life, follow), return_when=asyncio.FIRST_COMPLETED)
            if follow.done():
                follow.result()
                return
            error = life.result()
            raise WatchesFailed(f"kopf ended: {type(error).__name__}: {error}")
        finally:
            life.cancel()
            follow.cancel()

    async def _follow(self, served: frozenset[Resource]) -> None:
        """Warms the caches up, then returns when something new is served: then the watches must start again."""
        await self._warm_up()
        if RAYSERVICES in served:
            await asyncio.Event().wait()
        _logger.warning("KubeRay is not installed (no rayservices.ray.io/v1); looking again until it is there")
        await self._until_served(served)

    async def _warm_up(self) -> None:
        if self._caches.warm.is_set():
            self._resync.request()
        else:
            await self._caches.wait_warm(self._cluster)
            self._caches.warm.set()
            self._caches.add_all()
        self._problem = None

    async def _discover(self) -> frozenset[Resource]:
        """The kinds to watch. Without KubeRay none but ours: pods of ours exist only through it."""
        if not await self._cluster.is_served(LLMDEPLOYMENTS):
            return frozenset()
        if not await self._cluster.is_served(RAYSERVICES):
            return frozenset({LLMDEPLOYMENTS})
        return frozenset(WATCHED)

    async def _until_served(self, known: frozenset[Resource]) -> None:
        """Returns when something else is served than `known`; errors of a look are logged."""
        while True:
            await asyncio.sleep(self._config.discovery_seconds)
            try:
                if await self._discover() != known:
                    return
            except ApiError as error:
                _logger.warning("cannot look what is installed: %s", error)

    def _observe(self, resource: Resource, obj: Any, kind: str | None) -> None:
        self._caches.observe(resource, obj, deleted=kind == "DELETED")
        if kind is None and self._caches.warm.is_set():
            # A list again: the watch had a gap, in which deletions are lost.
            self._resync.request()

    async def _stop_watches(self) -> None:
        if self._watches is not None:
            watches, self._watches = self._watches, None
            await watches.stop()
