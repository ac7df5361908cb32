"""On a clock of their own: no test waits in real time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from llm_serve_app.simulated.scheduler import RequestAborted, RequestFailed, Scheduler, Work


@dataclass
class Recorder:
    loads: list[tuple[int, int, float]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)

    def load(self, running: int, waiting: int, kv_cache_usage: float) -> None:
        self.loads.append((running, waiting, kv_cache_usage))

    def first_token(self, seconds: float, prompt_tokens: int) -> None:
        self.events.append(("first", round(seconds, 3), prompt_tokens))

    def tokens(self, count: int) -> None:
        self.events.append(("tokens", count))

    def gap(self, seconds: float) -> None:
        self.events.append(("gap", round(seconds, 3)))

    def finished(self, reason: str, seconds: float, sequences: int) -> None:
        self.events.append(("finished", reason, round(seconds, 3), sequences))


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer instead of passing."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def on_clock(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Runs a test on an event loop with that clock."""

    def run() -> None:
        loop = Clock()
        try:
            loop.run_until_complete(test())
        finally:
            loop.close()

    return run


def work(tokens: int = 3, prompt: int = 10, **more: Any) -> Work:
    return Work(prompt, [tokens], [1.0] + [0.1] * (tokens - 1), computed_tokens=prompt, **more)


async def collect(ticks: AsyncIterator[int]) -> list[tuple[int, float]]:
    loop = asyncio.get_running_loop()
    return [(index, round(loop.time(), 3)) async for index in ticks]


@on_clock
async def test_tokens_are_due_at_their_times_and_are_reported() -> None:
    seen = Recorder()
    scheduler = Scheduler(4, 1000, seen)
    assert await collect(scheduler.run(work())) == [(0, 1.0), (1, 1.1), (2, 1.2)]
    assert seen.events == [
        ("tokens", 1),
        ("first", 1.0, 10),
        ("tokens", 1),
        ("gap", 0.1),
        ("tokens", 1),
        ("gap", 0.1),
        ("finished", "stop", 1.2, 1),
    ]
    assert seen.loads[-1] == (0, 0, 0)


@on_clock
async def test_the_kv_cache_fills_with_prompt_and_answer() -> None:
    seen = Recorder()
    scheduler = Scheduler(4, 100, seen)
    ticks = scheduler.run(work())
    await anext(ticks)
    await anext(ticks)
    scheduler.report()
    assert seen.loads[-1] == (1, 0, 0.12)
    await ticks.aclose()  # type: ignore[attr-defined]
    assert seen.loads[-1] == (0, 0, 0)


@on_clock
async def test_sequences_of_different_lengths_share_a_clock() -> None:
    seen = Recorder()
    await collect(Scheduler(4, 100, seen).run(Work(5, [1, 3], [1, 1, 1])))
    assert [event for event in seen.events if event[0] == "tokens"] == [("tokens", 2), ("tokens", 1), ("tokens", 1)]


@on_clock
async def test_what_exceeds_max_num_seqs_waits_its_turn() -> None:
    seen = Recorder()
    scheduler = Scheduler(1, 1000, seen)
    runs = [asyncio.create_task(collect(scheduler.run(work()))) for _ in range(3)]
    ended = [result[-1][1] for result in await asyncio.gather(*runs)]
    assert ended == pytest.approx([1.2, 2.4, 3.6])
    assert max(seen.loads)[:2] == (1, 2)
    assert [event[1] for event in seen.events if event[0] == "first"] == pytest.approx([1.0, 2.2, 3.4])


@on_clock
async def test_what_exceeds_the_kv_cache_waits() -> None:
    scheduler = Scheduler(8, 25, Recorder())
    runs = [asyncio.create_task(collect(scheduler.run(work()))) for _ in range(2)]
    assert [result[-1][1] for result in await asyncio.gather(*runs)] == pytest.approx([1.2, 2.4])


@on_clock
async def test_a_request_larger_than_everything_runs_alone() -> None:
    assert len(await collect(Scheduler(1, 5, Recorder()).run(Work(10, [2, 2], [1, 1])))) == 2


@on_clock
async def test_a_failing_request_gives_no_token() -> None:
    seen = Recorder()
    with pytest.raises(RequestFailed):
        await collect(Scheduler(1, 100, seen).run(work(fails=True)))
    assert seen.events == [("finished", "error", 1.0, 1)]


@on_clock
async def test_a_stalled_request_holds_its_place_until_it_is_cancelled() -> None:
    seen = Recorder()
    scheduler = Scheduler(1, 100, seen)
    task = asyncio.create_task(collect(scheduler.run(work(tokens=4, stalls=True))))
    await asyncio.sleep(3600)
    scheduler.report()
    assert seen.loads[-1] == (1, 0, 0.12)
    assert seen.events.count(("tokens", 1)) == 2
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert seen.events[-1][:2] == ("finished", "abort")
    assert seen.loads[-1] == (0, 0, 0)


@on_clock
async def test_a_waiting_request_that_is_cancelled_leaves_the_queue() -> None:
    seen = Recorder()
    scheduler = Scheduler(1, 100, seen)
    first = asyncio.create_task(collect(scheduler.run(work())))
    second = asyncio.create_task(collect(scheduler.run(work())))
    await asyncio.sleep(0.5)
    second.cancel()
    assert (await first)[-1][1] == pytest.approx(1.2)
    assert seen.loads[-1] == (0, 0, 0)
    assert [event[1] for event in seen.events if event[0] == "finished"] == ["abort", "stop"]


@on_clock
async def test_pause_abort_ends_what_runs_and_holds_what_comes() -> None:
    scheduler = Scheduler(4, 100, Recorder())
    running = asyncio.create_task(collect(scheduler.run(work())))
    await asyncio.sleep(0.5)
    await scheduler.pause("abort")
    with pytest.raises(RequestAborted):
        await running
    later = asyncio.create_task(collect(scheduler.run(work())))
    await asyncio.sleep(10)
    assert scheduler.paused
    assert not later.done()
    scheduler.resume()
    assert (await later)[-1][1] == pytest.approx(11.7)


@on_clock
async def test_pause_wait_lets_what_runs_end() -> None:
    scheduler = Scheduler(4, 100, Recorder())
    running = asyncio.create_task(collect(scheduler.run(work())))
    await asyncio.sleep(0.5)
    await scheduler.pause("wait")
    assert asyncio.get_running_loop().time() == pytest.approx(1.2)
    assert len(await running) == 3


@on_clock
async def test_pause_keep_freezes() -> None:
    scheduler = Scheduler(4, 100, Recorder())
    running = asyncio.create_task(collect(scheduler.run(work())))
    await asyncio.sleep(1.05)
    await scheduler.pause("keep")
    await asyncio.sleep(100)
    assert not running.done()
    scheduler.resume()
    assert [index for index, _ in await running] == [0, 1, 2]
    assert asyncio.get_running_loop().time() == pytest.approx(101.15, abs=0.02)


@on_clock
async def test_without_pauses_between_tokens_others_get_their_turn() -> None:
    scheduler = Scheduler(4, 10_000, Recorder())
    order: list[str] = []

    async def run(name: str) -> None:
        async for _ in scheduler.run(Work(1, [50], [0.0] * 50)):
            order.append(name)

    await asyncio.gather(run("a"), run("b"))
    assert "b" in order[:10]
