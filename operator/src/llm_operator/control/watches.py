"""Runs kopf in a thread with an event loop of its own."""

import asyncio
import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import kopf

from llm_operator.control import handlers
from llm_operator.control.pacing import Pacing
from llm_operator.kube.resources import Resource

_logger = logging.getLogger(__name__)
_STOP_SECONDS = 10.0


class Watches:
    """One life of kopf. Why a thread: when kopf ends, it cancels every task of its loop that was created after its start
    (kopf 1.45.2, _core/reactor/running.py), also tasks that aiohttp made for our own requests; and it takes the
    process's signals over. In a loop of its own it can do neither."""

    def __init__(
        self,
        resources: Iterable[Resource],
        *,
        namespaces: Sequence[str],
        request_timeout: float,
        observe: handlers.Observe,
    ) -> None:
        self._resources = tuple(resources)
        self._namespaces = tuple(namespaces)
        self._timeout = request_timeout
        self._observe = observe
        self._pacing = Pacing()
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._ended: asyncio.Future[BaseException | None] = self._loop.create_future()

    @property
    def running(self) -> bool:
        """Whether kopf has not ended yet."""
        return not self._ended.done()

    def start(self) -> None:
        """Starts the thread. It is a daemon: a kopf that hangs must not keep the process alive."""
        threading.Thread(target=self._run, name="kopf", daemon=True).start()

    async def wait(self) -> BaseException | None:
        """Returns when kopf ended: the error that ended it, or None."""
        return await asyncio.shield(self._ended)

    async def stop(self) -> None:
        """Asks kopf to end and waits for it a little."""
        self._stop.set()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self.wait()
        except TimeoutError:
            _logger.warning("kopf did not end within %g s; going on without it", _STOP_SECONDS)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._operator())
        except BaseException as caught:
            error = caught
        self._tell(self._set_ended, error)

    async def _operator(self) -> None:
        try:
            await kopf.operator(
                registry=handlers.registry(self._resources, self._forward, self._pacing),
                memories=handlers.NoMemories(),
                settings=handlers.settings(self._resources, request_timeout=self._timeout),
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=self._stop,
            )
        finally:
            # kopf waits for the flag in a thread of its loop's pool, and asyncio.run waits for that thread.
            self._stop.set()

    def _forward(self, resource: Resource, obj: Any, kind: str | None) -> None:
        if not self._stop.is_set():
            self._tell(self._take_in, resource, obj, kind)

    def _take_in(self, resource: Resource, obj: Any, kind: str | None) -> None:
        try:
            self._observe(resource, obj, kind)
        finally:
            self._pacing.handled(listed=kind is None)

    def _tell(self, *call: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(*call)
        except RuntimeError:
            _logger.debug("the main loop is closed; a late event is dropped")

    def _set_ended(self, error: BaseException | None) -> None:
        if not self._ended.done():
            self._ended.set_result(error)
