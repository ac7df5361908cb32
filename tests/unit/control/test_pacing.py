"""A further page of a list waits for the objects of the full pages before it, and a watch for its events."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from llm_operator.control.pacing import MOST_AHEAD, PAGE_SIZE, Pacing
from yarl import URL

FIRST: Any = SimpleNamespace(url=URL("http://x/apis/a/v1/b?limit=100"))
WATCH: Any = SimpleNamespace(url=URL("http://x/apis/a/v1/b?watch=true&resourceVersion=7"))
EVENT = b'{"type":"ADDED","object":{}}\n'
BOOKMARK = b'{"type":"BOOKMARK","object":{}}\n'
NEXT: Any = SimpleNamespace(url=URL("http://x/apis/a/v1/b?limit=100&continue=t"))


class Server:
    """Counts what was sent."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self, request: Any) -> Any:
        self.sent += 1


async def test_the_next_page_waits_until_the_page_before_was_handled() -> None:
    pacing, server = Pacing(), Server()
    await pacing.middleware(FIRST, server)
    waiting = asyncio.create_task(pacing.middleware(NEXT, server))
    for _ in range(PAGE_SIZE):
        assert server.sent == 1
        pacing.handled(listed=True)
        await asyncio.sleep(0)
    await waiting
    assert server.sent == 2


async def test_pages_of_several_kinds_wait_for_all_of_them() -> None:
    pacing, server = Pacing(), Server()
    waiting = [asyncio.create_task(pacing.middleware(NEXT, server)) for _ in range(2)]
    await asyncio.sleep(0)
    for _ in range(2 * PAGE_SIZE - 1):
        pacing.handled(listed=True)
    done, _ = await asyncio.wait(waiting, timeout=0.05)
    assert not done
    pacing.handled(listed=True)
    await asyncio.gather(*waiting)


async def test_pages_that_were_handled_before_the_next_ones_are_asked_for_hold_nothing_up() -> None:
    pacing, server = Pacing(stuck_seconds=3600), Server()
    for _ in range(2 * PAGE_SIZE):  # of two kinds
        pacing.handled(listed=True)
    async with asyncio.timeout(1):
        await pacing.middleware(NEXT, server)
        await pacing.middleware(NEXT, server)
    assert server.sent == 2


@pytest.mark.timeout(20)
async def test_objects_that_never_come_do_not_hold_it_up_for_ever() -> None:
    pacing, server = Pacing(stuck_seconds=0.02), Server()
    await pacing.middleware(NEXT, server)
    assert server.sent == 1
    for _ in range(PAGE_SIZE):
        pacing.handled(listed=True)
    await pacing.middleware(NEXT, server)
    assert server.sent == 2


class Body:
    """Of a watch, in pieces as they come."""

    total = 7

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            assert len(piece) <= size
            yield piece


async def watch(pacing: Pacing, *pieces: bytes) -> Any:
    """The body that kopf reads."""
    answer = SimpleNamespace(status=200, content=Body(*pieces))

    async def send(_: Any) -> Any:
        return answer

    return (await pacing.middleware(WATCH, send)).content


async def test_a_watch_is_read_no_further_than_its_events_are_handled() -> None:
    pacing = Pacing()
    pieces = aiter((await watch(pacing, EVENT * MOST_AHEAD, EVENT, EVENT)).iter_chunked(2**20))
    await anext(pieces)
    await anext(pieces)
    third = asyncio.create_task(anext(pieces))
    done, _ = await asyncio.wait([third], timeout=0.05)
    assert not done
    pacing.handled(listed=False)
    assert await third == EVENT


async def test_bookmarks_wait_for_nobody_and_the_rest_of_the_body_is_as_it_was() -> None:
    content = await watch(Pacing(stuck_seconds=3600), *[BOOKMARK] * (3 * MOST_AHEAD))
    assert [piece async for piece in content.iter_chunked(2**20)] == [BOOKMARK] * (3 * MOST_AHEAD)
    assert content.total == 7


@pytest.mark.timeout(20)
async def test_events_that_never_come_do_not_hold_a_watch_up_for_ever() -> None:
    pieces = [EVENT * (MOST_AHEAD + 1)] * 3
    content = await watch(Pacing(stuck_seconds=0.02), *pieces)
    assert [piece async for piece in content.iter_chunked(2**20)] == pieces
