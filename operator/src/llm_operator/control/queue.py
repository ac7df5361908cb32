"""The work queue: each key at most once, never in two workers, with a backoff of its own after failures."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable

from llm_operator.control.store import Key


def backoff(failures: int, *, least: float, most: float, jitter: float) -> float:
    """Seconds to wait after the n-th failure in a row (from 1): doubles from `least` to `most`, times 0.8 to 1.2 by
    `jitter` in [0, 1), so that objects that failed together do not come back together."""
    exponent = min(failures - 1, 30)
    return float(min(most, least * 2**exponent) * (0.8 + 0.4 * jitter))


class WorkQueue:
    """For one event loop. `jitter` returns a number in [0, 1)."""

    def __init__(self, *, least: float, most: float, jitter: Callable[[], float]) -> None:
        self._least, self._most, self._jitter = least, most, jitter
        self._ready: deque[Key] = deque()
        self._waiting: set[Key] = set()
        self._in_flight: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        # Of all timers: each would keep a copy of the context of the worker that asked for it.
        self._context = contextvars.copy_context()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def in_flight(self) -> int:
        """Keys that workers hold now."""
        return len(self._in_flight)

    def add(self, key: Key) -> None:
        """Asks for the key soon. A key in flight is handled once more after it is done; a waiting one stays where it is."""
        if key in self._in_flight:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.append(key)
            self._wake.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Asks for the key in so many seconds; of two such wishes the earlier one wins."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key, context=self._context)

    async def get(self) -> Key:
        """The next key; the caller must end it with `done` or `failed`. Waits while there is none."""
        while not self._ready:
            self._wake.clear()
            await self._wake.wait()
        key = self._ready.popleft()
        self._waiting.discard(key)
        self._in_flight.add(key)
        self._idle.clear()
        self._cancel_timer(key)
        return key

    def done(self, key: Key, *, again_after: float | None = None) -> None:
        """The key was handled: its backoff starts anew. `again_after`: handle it again in so many seconds anyway."""
        self._failures.pop(key, None)
        self._finish(key)
        if again_after is not None:
            self.add_after(key, again_after)

    def failed(self, key: Key, *, at_least: float = 0.0) -> float:
        """The key was not handled: it comes back after its backoff, at least `at_least` seconds. Returns the wait."""
        self._failures[key] = self._failures.get(key, 0) + 1
        wait = backoff(self._failures[key], least=self._least, most=self._most, jitter=self._jitter())
        wait = max(wait, at_least)
        self._finish(key)
        self.add_after(key, wait)
        return wait

    def put_back(self, key: Key) -> None:
        """The key was taken but not tried; it waits again, and its backoff stays as it is."""
        self._again.add(key)
        self._finish(key)

    async def idle(self) -> None:
        """Returns when no key is in flight."""
        await self._idle.wait()

    def close(self) -> None:
        """Cancels all timers."""
        for key in list(self._timers):
            self._cancel_timer(key)

    def _finish(self, key: Key) -> None:
        self._in_flight.discard(key)
        if not self._in_flight:
            self._idle.set()
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _cancel_timer(self, key: Key) -> None:
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
