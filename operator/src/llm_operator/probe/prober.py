"""Asks every model that should answer whether it does: every 2 s, and in turn when there are many. One instance per process.

A model that is not served is first reached (a cheap request), then sent its first request, which may take as long as an
engine needs to warm up; once that is answered it is served, and checked until it is not. A check that fails at once is made
a second time; one that stays silent for the model's patience is enough. Tests: tests/unit/probe/test_prober.py.
"""

import asyncio
import heapq
import itertools
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, TypeAlias

from llm_operator.plan.inputs import Probed
from llm_operator.plan.probing import Ask, Target
from llm_operator.probe.asking import Answer, Kind
from llm_operator.probe.patience import Patience
from llm_operator.probe.reachability import Reachability, resolves

Key: TypeAlias = tuple[str, str]
PERIOD_SECONDS: Final = 2.0
MOST_PER_SECOND: Final = 250.0
"""Checks of all models together; with more than 500 models the period grows."""
CONCURRENCY: Final = 64
FIRST_REQUEST_SECONDS: Final = 120.0
_REACH_SECONDS: Final = 5.0
_SECOND_TRY_SECONDS: Final = 0.3
_SOON_SECONDS: Final = 0.5
_logger = logging.getLogger(__name__)


class Asking(Protocol):
    """What is needed of probe.asking.Client."""

    async def ask(self, ask: Ask, *, seconds: float) -> Answer:
        """See Client."""
        ...


class _Watched:
    """One target and what is known of it."""

    __slots__ = ("dropped", "error", "key", "patience", "result", "served", "target")

    def __init__(self, key: Key, target: Target) -> None:
        self.key, self.target = key, target
        self.patience = Patience()
        self.served = target.known
        self.error = ""
        self.result: Probed | None = None
        self.dropped = False


class Prober:
    """`ask_for` asks the work queue for an object whose result has changed; `count` counts requests by how they ended."""

    def __init__(
        self,
        client: Asking,
        ask_for: Callable[[Key], None],
        *,
        reachability: Reachability,
        count: Callable[[str], None] = lambda _: None,
        period: float = PERIOD_SECONDS,
    ) -> None:
        self._client, self._ask_for, self._count = client, ask_for, count
        self._reachability, self._least_period = reachability, period
        self._watched: dict[Key, dict[str, _Watched]] = {}
        self._due: list[tuple[float, int, _Watched]] = []
        self._numbers = itertools.count()
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._rounds: set[asyncio.Task[None]] = set()

    def watch(self, key: Key, targets: Iterable[Target]) -> None:
        """From now on these, instead of those of before. What is the same goes on; another cluster starts anew."""
        before, now = self._watched.get(key, {}), {}
        for target in targets:
            old = before.pop(target.name, None)
            if old is not None and old.target == target:
                now[target.name] = old
                continue
            if old is not None:
                old.dropped = True
            now[target.name] = _Watched(key, target)
            self._schedule(now[target.name], random.random() * 0.1)  # noqa: S311 - so that they spread
        for gone in before.values():
            gone.dropped = True
        if now:
            self._watched[key] = now
        else:
            self._watched.pop(key, None)

    def results(self, key: Key) -> Mapping[str, Probed] | None:
        """Name → what it answered last; None while nobody can ask."""
        if self._reachability.inside is False:
            return None
        found = self._watched.get(key, {})
        return {name: watched.result for name, watched in found.items() if watched.result is not None}

    @property
    def period(self) -> float:
        """Seconds between two checks of one target."""
        return max(self._least_period, sum(len(each) for each in self._watched.values()) / MOST_PER_SECOND)

    async def run(self) -> None:
        """Ends only by cancellation."""
        await self._reachability.wait_inside()
        for key in list(self._watched):
            self._ask_for(key)
        try:
            while True:
                watched = await self._next()
                await self._slots.acquire()
                task = asyncio.create_task(self._round(watched))
                self._rounds.add(task)
                task.add_done_callback(self._rounds.discard)
        finally:
            for task in self._rounds:
                task.cancel()

    async def _next(self) -> _Watched:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            wait = self._due[0][0] - loop.time() if self._due else None
            if wait is not None and wait <= 0:
                watched = heapq.heappop(self._due)[2]
                if not watched.dropped:
                    return watched
                continue
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _schedule(self, watched: _Watched, seconds: float) -> None:
        when = asyncio.get_running_loop().time() + seconds
        heapq.heappush(self._due, (when, next(self._numbers), watched))
        if self._due[0][2] is watched:
            self._wake.set()

    async def _round(self, watched: _Watched) -> None:
        """One check, or one way from not served to served; holds a slot but for a first request."""
        held = True
        try:
            if watched.served:
                await self._check(watched)
            elif await self._reach(watched):
                if watched.target.warm is not None:
                    self._slots.release()
                    held = False
                await self._first(watched)
        except Exception:
            _logger.exception("a model could not be asked, by a defect of the operator")
        finally:
            if held:
                self._slots.release()
            if not watched.dropped:
                self._schedule(watched, self.period if watched.served or watched.error else _SOON_SECONDS)

    async def _check(self, watched: _Watched) -> None:
        answer = await self._ask(watched, watched.target.check, watched.patience.seconds)
        if answer.kind is Kind.FAILED:
            await asyncio.sleep(_SECOND_TRY_SECONDS)
            answer = await self._ask(watched, watched.target.check, watched.patience.seconds)
        if await self._says_nothing(answer):
            return
        self._note(watched, served=answer.ok, error=answer.error)

    async def _reach(self, watched: _Watched) -> bool:
        answer = await self._ask(watched, watched.target.reach, _REACH_SECONDS)
        if answer.ok or await self._says_nothing(answer):
            return answer.ok
        self._note(watched, served=False, error=answer.error)
        return False

    async def _first(self, watched: _Watched) -> None:
        """Every copy must be answered: each may be the first of a replica."""
        target = watched.target
        if target.warm is None:
            self._note(watched, served=True)
            return
        if not watched.error:
            self._note(watched, served=False, warming=True)
        asked = (self._ask(watched, target.warm, FIRST_REQUEST_SECONDS) for _ in range(target.copies))
        answers = await asyncio.gather(*asked)
        bad = next((answer for answer in answers if not answer.ok), None)
        if bad is None:
            self._note(watched, served=True)
        elif not await self._says_nothing(bad):
            self._note(watched, served=False, error=bad.error)

    async def _ask(self, watched: _Watched, ask: Ask, seconds: float) -> Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await self._client.ask(ask, seconds=seconds)
        self._count(answer.kind.value)
        if answer.ok and ask == watched.target.check and watched.served:
            watched.patience.answered(loop.time() - began)
        return answer

    async def _says_nothing(self, answer: Answer) -> bool:
        """The cluster's DNS is down: that is not the model's fault."""
        return answer.kind is Kind.UNKNOWN_NAME and not await resolves()

    def _note(self, watched: _Watched, *, served: bool, warming: bool = False, error: str = "") -> None:
        """As long as it is not served, the first error stands: the next ones are its consequences."""
        watched.served = served
        watched.error = "" if served or warming else watched.error or error
        result = Probed(watched.target.cluster, served, warming and not watched.error, watched.error)
        if watched.dropped or result == watched.result:
            return
        watched.result = result
        said = (
            "answers"
            if served
            else f"does not answer: {watched.error}"
            if watched.error
            else "answers its first request"
        )
        _logger.info("%s/%s %s: %s", *watched.key, watched.target.name, said)
        self._ask_for(watched.key)
