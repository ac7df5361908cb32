"""Keeps kopf from reading lists and watches faster than the objects in them are worked off."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp

PAGE_SIZE: Final = 25
"""Objects per page of a list. Six kinds are listed at once, a page of each may be there as Python objects: pages of 100 left 19 MiB
behind at every start, these leave 10."""
MOST_AHEAD: Final = 40
"""Events of watches that are read and not yet handled; a piece that was read at once may be more."""
_PIECE: Final = 2**16
"""Bytes of a watch that are read at once."""
_POLL_SECONDS: Final = 0.005
_STUCK_SECONDS: Final = 5.0
_WATCH_STUCK_SECONDS: Final = 1.0
_BOOKMARK: Final = b'{"type":"BOOKMARK"'


class _Meter:
    """How far reading is ahead of handling. Each number is written by one thread only."""

    def __init__(self) -> None:
        self.read = 0
        self.handled = 0

    async def wait(self, *, most: int, stuck_seconds: float) -> None:
        """Returns when no more than so many are not handled yet; without any progress for so long it goes on, and what was
        read until now counts as handled."""
        last, since = self.handled, time.monotonic()
        while self.read - self.handled > most:
            if time.monotonic() - since >= stuck_seconds:
                self.read = self.handled
                return
            await asyncio.sleep(_POLL_SECONDS)
            if self.handled != last:
                last, since = self.handled, time.monotonic()


class Pacing:
    """kopf (1.45.2) puts every object that it reads into a queue of its own before a worker takes it, whatever the limit of
    workers is: without a brake, a list of ten thousand objects or a burst of changes is in memory as a whole, as Python objects,
    and the allocator never gives that memory back. This one holds a page of a list back until the objects of the full pages
    before it were handled, of all kinds together, and stops reading watches while too many events wait; then the API server's
    sending stops too, by TCP. Objects that kopf never hands over (it drops events after an error) hold nothing up for ever."""

    def __init__(self, *, stuck_seconds: float = _STUCK_SECONDS) -> None:
        self._stuck_seconds = stuck_seconds
        self._listed = _Meter()
        self._watched = _Meter()

    def handled(self, *, listed: bool) -> None:
        """An object of a list (or else an event of a watch) was taken into a store."""
        meter = self._listed if listed else self._watched
        meter.handled += 1

    async def middleware(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """For the client session of kopf. Only a request for a further page has the parameter `continue`, and only a full
        page has one behind it."""
        query = request.url.query
        if "continue" in query:
            self._listed.read += PAGE_SIZE
            await self._listed.wait(most=0, stuck_seconds=self._stuck_seconds)
        answer = await send(request)
        if query.get("watch") == "true" and answer.status == 200:
            stuck_seconds = min(self._stuck_seconds, _WATCH_STUCK_SECONDS)
            answer.content = _Slowed(answer.content, self._watched, stuck_seconds)  # type: ignore[assignment]
        return answer


class _Slowed:
    """The body of a watch, as far as kopf uses it (`iter_chunked`); the rest is the body itself."""

    def __init__(self, content: aiohttp.StreamReader, meter: _Meter, stuck_seconds: float) -> None:
        self._content, self._meter, self._stuck_seconds = content, meter, stuck_seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """See aiohttp.StreamReader. One line is one event; bookmarks are handled by nobody."""
        async for piece in self._content.iter_chunked(min(size, _PIECE)):
            # What came late, after it was given up, is no credit.
            self._meter.read = max(self._meter.read, self._meter.handled)
            self._meter.read += piece.count(b"\n") - piece.count(_BOOKMARK)
            yield piece
            await self._meter.wait(most=MOST_AHEAD, stuck_seconds=self._stuck_seconds)
