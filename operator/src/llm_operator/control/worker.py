"""The workers: take keys from the queue while this replica leads and its caches are warm."""

import asyncio
import logging
import time

from llm_operator.control.caches import Caches
from llm_operator.control.leader import AlwaysLeader, Elector
from llm_operator.control.queue import WorkQueue
from llm_operator.control.reconciler import Reconciler
from llm_operator.control.store import Key
from llm_operator.kube.errors import ApiError, Conflict, NamespaceTerminating, NotLeader
from llm_operator.obs import log
from llm_operator.obs.metrics import Metrics

_logger = logging.getLogger(__name__)


class Workers:
    """A pool of tasks. Followers take nothing: their queue holds each key at most once until they lead."""

    def __init__(
        self,
        queue: WorkQueue,
        caches: Caches,
        leader: Elector | AlwaysLeader,
        reconciler: Reconciler,
        metrics: Metrics,
    ) -> None:
        self._queue, self._caches, self._leader = queue, caches, leader
        self._reconciler, self._metrics = reconciler, metrics
        self._stopping = False

    async def run(self) -> None:
        """One worker; run several. Ends only by cancellation, or after `drain` began."""
        while not self._stopping:
            await self._leader.leading.wait()
            await self._caches.warm.wait()
            key = await self._queue.get()
            if self._stopping or not (self._leader.leading.is_set() and self._caches.warm.is_set()):
                self._queue.put_back(key)
                continue
            with log.about(*key):
                await self._handle(key)
            # A look that finds nothing to do waits for nothing: without this, ten thousand of them in a row would keep the
            # Lease from being renewed, and probes from being answered.
            await asyncio.sleep(0)

    async def drain(self, *, seconds: float) -> None:
        """No new key is taken; waits for those in flight, at most so long."""
        self._stopping = True
        try:
            async with asyncio.timeout(seconds):
                await self._queue.idle()
        except TimeoutError:
            _logger.warning("%d reconciles did not end within %g s", self._queue.in_flight, seconds)

    async def _handle(self, key: Key) -> None:
        started = time.monotonic()
        result = "ok"
        try:
            self._queue.done(key, again_after=await self._reconciler.reconcile(key))
        except NotLeader:
            result = "not_leader"
            self._queue.failed(key)
        except NamespaceTerminating as error:
            # Not tried again: the LLMDeployment goes too, and the next re-sync looks at it if it does not.
            result = "namespace_terminating"
            self._queue.done(key, again_after=None)
            _logger.info("nothing is made any more: %s", error)
        except ApiError as error:
            result = "conflict" if isinstance(error, Conflict) else "api_error"
            wait = self._queue.failed(key, at_least=error.retry_after or 0.0)
            _logger.warning("reconcile failed, next try in %.1f s: %s", wait, error)
        except Exception:
            result = "bug"
            wait = self._queue.failed(key)
            _logger.exception("reconcile failed by a defect of the operator, next try in %.1f s", wait)
        finally:
            self._metrics.reconciles.labels(result).inc()
            self._metrics.reconcile_seconds.observe(time.monotonic() - started)
