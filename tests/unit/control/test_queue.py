"""The work queue: de-duplication, one worker per key, backoff."""

import asyncio
import contextvars

import pytest
from llm_operator.control.queue import WorkQueue, backoff

A, B = ("llm", "a"), ("llm", "b")


def queue(*, least: float = 1.0, most: float = 300.0) -> WorkQueue:
    return WorkQueue(least=least, most=most, jitter=lambda: 0.5)


async def taken(work: WorkQueue) -> tuple[str, str] | None:
    """The next key if there is one now."""
    try:
        async with asyncio.timeout(0.01):
            return await work.get()
    except TimeoutError:
        return None


@pytest.mark.parametrize(
    ("failures", "jitter", "seconds"),
    [
        (1, 0.5, 1.0),
        (2, 0.5, 2.0),
        (5, 0.5, 16.0),
        (1, 0.0, 0.8),
        (1, 1.0, 1.2),
        (20, 0.5, 300.0),
        (10_000, 0.5, 300.0),
    ],
)
def test_backoff(failures: int, jitter: float, seconds: float) -> None:
    assert backoff(failures, least=1, most=300, jitter=jitter) == pytest.approx(seconds)


async def test_a_key_that_waits_is_not_added_twice() -> None:
    work = queue()
    for key in (A, B, A, A):
        work.add(key)
    assert len(work) == 2
    assert [await taken(work), await taken(work), await taken(work)] == [A, B, None]


async def test_a_key_in_flight_comes_again_only_after_it_is_done() -> None:
    work = queue()
    work.add(A)
    await work.get()
    work.add(A)
    assert await taken(work) is None
    work.done(A)
    assert await taken(work) == A
    work.done(A)
    assert await taken(work) is None


async def test_failures_wait_longer_and_success_resets() -> None:
    work = queue()
    waits = []
    for _ in range(3):
        work.add(A)
        waits.append(work.failed(await work.get()))
    work.add(A)
    work.done(await work.get())
    work.add(A)
    waits.append(work.failed(await work.get()))
    assert waits == [1.0, 2.0, 4.0, 1.0]
    work.close()


async def test_failed_waits_at_least_what_the_server_asked_for() -> None:
    work = queue()
    work.add(A)
    assert work.failed(await work.get(), at_least=30) == 30
    work.close()


async def test_failed_key_comes_back_by_itself() -> None:
    work = queue(least=0.01)
    work.add(A)
    work.failed(await work.get())
    async with asyncio.timeout(5):
        assert await work.get() == A


async def test_the_earlier_of_two_delays_wins() -> None:
    work = queue()
    work.add_after(A, 0.01)
    work.add_after(A, 3600)
    async with asyncio.timeout(5):
        assert await work.get() == A
    work.done(A, again_after=3600)
    work.add_after(A, 0.01)
    async with asyncio.timeout(5):
        assert await work.get() == A
    work.close()


async def test_an_event_does_not_wait_for_the_backoff_and_ends_it() -> None:
    work = queue(least=0.05)
    work.add(A)
    work.failed(await work.get())
    work.add(A)
    work.done(await work.get())
    await asyncio.sleep(0.1)
    assert len(work) == 0


async def test_put_back_keeps_the_key_and_its_backoff() -> None:
    work = queue()
    work.add(A)
    work.failed(await work.get())
    work.add(A)
    work.put_back(await work.get())
    assert work.failed(await work.get()) == 2.0
    work.close()


async def test_idle_when_nothing_is_in_flight() -> None:
    work = queue()
    work.add(A)
    key = await work.get()
    waiting = asyncio.create_task(work.idle())
    await asyncio.sleep(0)
    assert not waiting.done()
    work.done(key)
    await waiting


async def test_timers_keep_no_context_of_their_own() -> None:
    """A copy per object would be half a kilobyte."""
    about: contextvars.ContextVar[str] = contextvars.ContextVar("about")
    seen: list[str] = []

    class Noting(WorkQueue):
        def add(self, key: tuple[str, str]) -> None:
            seen.append(about.get("nothing"))
            super().add(key)

    work = Noting(least=1.0, most=300.0, jitter=lambda: 0.5)
    about.set("a")
    work.add_after(A, 0.0)
    async with asyncio.timeout(5):
        assert await work.get() == A
    assert seen == ["nothing"]
