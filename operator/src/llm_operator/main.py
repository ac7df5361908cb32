"""Builds the parts and runs them: the only place that knows all of them."""

import asyncio
import gc
import logging
import random
import signal
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from llm_operator import __version__
from llm_operator.config import Config
from llm_operator.control.caches import Caches
from llm_operator.control.leader import AlwaysLeader, Elector, LeadershipLost, LeaseTimes
from llm_operator.control.queue import WorkQueue
from llm_operator.control.reconciler import Reconciler
from llm_operator.control.resync import Resync
from llm_operator.control.supervisor import Supervisor, WatchesFailed
from llm_operator.control.worker import Workers
from llm_operator.kube import login
from llm_operator.kube.cluster import KubeCluster
from llm_operator.kube.errors import Conflict
from llm_operator.kube.transport import Transport
from llm_operator.obs import health, log
from llm_operator.obs.events import EventRecorder
from llm_operator.obs.metrics import Metrics
from llm_operator.probe.probes import Probes

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
_logger = logging.getLogger(__name__)


def run(config: Config) -> int:
    """Runs until SIGTERM or SIGINT (0), or until the Lease is lost, the watches fail for good or there are no credentials
    (1)."""
    log.setup(config.log_level)
    # What was imported lives as long as the process: the garbage collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    _logger.info("llm-operator %s starts as %s", __version__, config.identity)
    try:
        return asyncio.run(_Operator(config).run())
    except (login.LoginError, OSError) as error:
        _logger.error("cannot start: %s", error)
        return EXIT_FAILED


class _Operator:
    """One process's parts and their order: all tasks exist before the watches start."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._metrics = Metrics()

    async def run(self) -> int:
        transport = Transport(
            await login.load(),
            concurrency=self._config.kube_concurrency,
            timeout_seconds=self._config.request_timeout_seconds,
            count=self._metrics.count_request,
            load=login.load,
        )
        try:
            self._build(transport)
            return await self._serve()
        finally:
            await transport.close()

    def _build(self, transport: Transport) -> None:
        config, metrics = self._config, self._metrics
        # The leader is made with the cluster that it fences, so it is looked up late.
        cluster = KubeCluster(
            transport,
            namespaces=config.namespaces,
            fence=lambda: self._leader.fence(),  # noqa: PLW0108
        )
        self._leader = _leader(config, cluster, metrics)
        self._queue = WorkQueue(least=config.backoff_min_seconds, most=config.backoff_max_seconds, jitter=random.random)
        metrics.watch_queue(lambda: len(self._queue))
        self._caches = Caches(self._queue, config.policy)
        events = EventRecorder(
            cluster,
            identity=config.identity,
            now=_now,
            monotonic=time.monotonic,
            is_conflict=lambda error: isinstance(error, Conflict),
            count=lambda result: metrics.events.labels(result).inc(),
        )
        if config.probes:
            self._caches.probes = Probes(
                pods=self._caches.pods,
                ask_for=self._caches.ask,
                count=lambda result: metrics.probes.labels(result).inc(),
                on_reachable=lambda inside: metrics.probing.set(1 if inside else 0),
            )
        reconciler = Reconciler(cluster, self._caches, events, metrics, _now)
        self._workers = Workers(self._queue, self._caches, self._leader, reconciler, metrics)
        self._resync = Resync(cluster, self._caches, metrics, period=config.resync_seconds, jitter=random.random)
        self._supervisor = Supervisor(config, cluster, self._caches, self._resync, metrics, jitter=random.random)

    async def _serve(self) -> int:
        app = health.application(self._metrics, healthy=self._unhealthy, ready=lambda: self._supervisor.problem)
        server = await health.serve(app, port=self._config.http_port)
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        watches = _task("watches", self._supervisor.run())
        tasks = [
            _task("stop", stopping.wait()),
            _task("leader", self._leader.run()),
            _task("resync", self._resync.run()),
            _task("probes", self._probe()),
            *(_task(f"worker-{number}", self._workers.run()) for number in range(self._config.workers)),
        ]
        failed: BaseException | None = None
        try:
            done, _ = await asyncio.wait([watches, *tasks], return_when=asyncio.FIRST_COMPLETED)
            failed = _first_error(done)
            if failed is None:
                _logger.info("stopping: no new work, up to %g s for the work in flight", self._config.drain_seconds)
                await self._workers.drain(seconds=self._config.drain_seconds)
        finally:
            await _cancel(tasks)
            # Before the watches, whose end may take seconds: the other replica is waiting.
            await self._leader.release()
            await _cancel([watches])
            self._queue.close()
            await server.cleanup()
        return EXIT_OK if failed is None else EXIT_FAILED

    async def _probe(self) -> None:
        """Only the leader asks: nobody else writes what comes of it."""
        await self._leader.leading.wait()
        if self._caches.probes is None:
            await asyncio.Event().wait()
        else:
            await self._caches.probes.run()

    def _unhealthy(self) -> str | None:
        return "the last re-sync is older than three periods" if self._resync.overdue else None


def _leader(config: Config, cluster: KubeCluster, metrics: Metrics) -> Elector | AlwaysLeader:
    def changed(leading: bool) -> None:
        metrics.leader.set(1 if leading else 0)

    if not config.leader_election:
        return AlwaysLeader(changed)
    return Elector(
        cluster,
        namespace=config.lease_namespace,
        name=config.lease_name,
        identity=config.identity,
        times=LeaseTimes(config.lease_seconds, config.renew_deadline_seconds, config.lease_retry_seconds),
        monotonic=time.monotonic,
        now=_now,
        jitter=random.random,
        on_change=changed,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _task(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)


def _first_error(done: set[asyncio.Task[Any]]) -> BaseException | None:
    errors = [error for task in done if (error := task.exception()) is not None]
    for error in errors:
        expected = isinstance(error, LeadershipLost | WatchesFailed)
        _logger.error("the operator ends: %s", error, exc_info=None if expected else error)
    return errors[0] if errors else None


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
