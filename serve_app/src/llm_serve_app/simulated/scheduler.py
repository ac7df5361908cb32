"""Which requests run and when their tokens are due: vLLM's waiting queue, running set and KV cache, on a clock."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Observer(Protocol):
    """What the scheduler reports, for metrics."""

    def load(self, running: int, waiting: int, kv_cache_usage: float) -> None:
        """Sequences that run, sequences that wait, share of the KV cache in use (0..1)."""

    def first_token(self, seconds: float, prompt_tokens: int) -> None:
        """Since the request arrived; `prompt_tokens` were computed."""

    def tokens(self, count: int) -> None:
        """This many tokens were generated just now."""

    def gap(self, seconds: float) -> None:
        """Time between two tokens of a request."""

    def finished(self, reason: str, seconds: float, sequences: int) -> None:
        """`reason`: stop, length, abort or error; `seconds` since the request arrived."""


class RequestFailed(RuntimeError):
    """The request was drawn to fail; the engine itself is well."""


class RequestAborted(RuntimeError):
    """Pausing the engine ended the request."""


@dataclass(frozen=True, slots=True)
class Work:
    """One request. `lengths`: tokens of each sequence. `gaps`: seconds before each token of the longest one.

    `computed_tokens`: prompt tokens that this engine computes itself (0 when a prefill engine did).
    """

    prompt_tokens: int
    lengths: Sequence[int]
    gaps: Sequence[float]
    finish: str = "stop"
    fails: bool = False
    stalls: bool = False
    computed_tokens: int = 0


class _Entry:
    """A request in the scheduler. `changed` is set whenever its state may have changed."""

    def __init__(self, work: Work, most_sequences: int) -> None:
        self.sequences = min(len(work.lengths), most_sequences)
        self.reserved = work.prompt_tokens + sum(work.lengths)  # KV cache that it may come to need, in tokens
        self.held = 0
        self.admitted = False
        self.aborted = False
        self.changed = asyncio.Event()

    async def wait(self, met: Callable[[], bool]) -> None:
        """Until `met`. Raises RequestAborted."""
        while not self.aborted and not met():
            self.changed.clear()
            await self.changed.wait()
        if self.aborted:
            raise RequestAborted("the engine was paused")

    async def sleep(self, seconds: float) -> None:
        """Raises RequestAborted, without waiting for the end."""
        self.changed.clear()
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self.changed.wait()
        except TimeoutError:
            return
        if self.aborted:
            raise RequestAborted("the engine was paused")


class Scheduler:
    """First in, first out: a request waits until sequences and KV cache for it are free, or nothing else runs."""

    def __init__(self, max_num_seqs: int, kv_cache_tokens: int, observer: Observer) -> None:
        self._max_num_seqs = max_num_seqs
        self._kv_cache_tokens = kv_cache_tokens
        self._observer = observer
        self._running: list[_Entry] = []
        self._waiting: list[_Entry] = []
        self._mode: str | None = None
        self._left = asyncio.Event()

    @property
    def paused(self) -> bool:
        """Whether new requests wait for `resume`."""
        return self._mode is not None

    def report(self) -> None:
        """Tells the observer the present load."""
        running = sum(entry.sequences for entry in self._running)
        waiting = sum(entry.sequences for entry in self._waiting)
        used = sum(entry.held for entry in self._running)
        self._observer.load(running, waiting, min(1.0, used / self._kv_cache_tokens))

    async def pause(self, mode: str) -> None:
        """`abort` ends the running requests, `wait` lets them end first, `keep` freezes them; new ones wait."""
        self._mode = mode
        if mode == "abort":
            for entry in self._running:
                entry.aborted = True
                entry.changed.set()
        while mode != "keep" and self._running:
            self._left.clear()
            await self._left.wait()

    def resume(self) -> None:
        """Requests that wait are admitted, frozen ones go on."""
        self._mode = None
        for entry in self._running:
            entry.changed.set()
        self._admit()

    async def run(self, work: Work) -> AsyncIterator[int]:
        """Yields 0, 1, 2, ... as the tokens of a request get due; each is for every sequence that is long enough.

        Raises RequestFailed instead of the first token, RequestAborted on `pause`. A stalled request yields half of its
        tokens and then nothing until it is cancelled.
        """
        loop = asyncio.get_running_loop()
        arrived, reason = loop.time(), "abort"
        entry = _Entry(work, self._max_num_seqs)
        self._waiting.append(entry)
        try:
            self._admit()
            await entry.wait(lambda: entry.admitted)
            entry.held = work.prompt_tokens
            async for index in self._ticks(entry, work, arrived):
                yield index
            reason = work.finish
        except RequestFailed:
            reason = "error"
            raise
        finally:
            (self._running if entry.admitted else self._waiting).remove(entry)
            self._left.set()
            self._admit()
            self._observer.finished(reason, loop.time() - arrived, len(work.lengths))

    def _admit(self) -> None:
        while self._waiting and self._mode is None and self._has_room(self._waiting[0]):
            entry = self._waiting.pop(0)
            self._running.append(entry)
            entry.admitted = True
            entry.changed.set()
        self.report()

    def _has_room(self, entry: _Entry) -> bool:
        sequences = entry.sequences + sum(other.sequences for other in self._running)
        reserved = entry.reserved + sum(other.reserved for other in self._running)
        return not self._running or (sequences <= self._max_num_seqs and reserved <= self._kv_cache_tokens)

    async def _ticks(self, entry: _Entry, work: Work, arrived: float) -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()
        due = last = loop.time()
        for index, gap in enumerate(work.gaps):
            if work.stalls and index == len(work.gaps) // 2:
                await entry.wait(lambda: False)
            due += gap
            await entry.sleep(due - loop.time())  # also when the token is late: others get their turn
            while loop.time() < due:
                await entry.sleep(due - loop.time())
            if self._mode == "keep":
                await entry.wait(lambda: self._mode != "keep")
                due = loop.time()
            if work.fails:
                raise RequestFailed("simulated failure (failure_rate)")
            now = loop.time()
            entry.held += self._generated(work, index)
            if index == 0:
                self._observer.first_token(now - arrived, work.computed_tokens)
            else:
                self._observer.gap(now - last)
            last = now
            yield index

    def _generated(self, work: Work, index: int) -> int:
        count = sum(length > index for length in work.lengths)
        if count:
            self._observer.tokens(count)
        return count
