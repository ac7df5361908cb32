"""Just enough HTTP/1.1 on asyncio: requests with a Content-Length, answers in one piece, watches as chunks.

Why not aiohttp's server as in tests/contract: it takes several times the CPU per request, and the server shares two cores
with what is measured.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote

Reply: TypeAlias = Callable[[int, bytes], None]
"""Sends the answer: HTTP status and JSON body. To be called once per request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def user(self) -> str:
        """The bearer token: who asks."""
        return self.headers.get("authorization", "").partition(" ")[2]

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body) if self.body else {}


class Connection(asyncio.Protocol):
    """One client connection. `handle` gets every request together with the connection that asked."""

    def __init__(self, handle: Callable[["Connection", Request], None]) -> None:
        self._handle = handle
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.on_close: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self.on_close()

    def data_received(self, data: bytes) -> None:
        """Hands over every request that is complete."""
        self._buffer += data
        while (request := self._next()) is not None:
            self._handle(self, request)

    def reply(self, status: int, body: bytes) -> None:
        """The whole answer."""
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._write(head.encode() + body)

    def begin_stream(self) -> None:
        """Head of an answer that has no end; `send_line` follows."""
        self._write(b"HTTP/1.1 200 -\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")

    def send_line(self, line: bytes) -> None:
        """One line of the stream."""
        self._write(b"%x\r\n%b\n\r\n" % (len(line) + 1, line))

    def end_stream(self) -> None:
        """The end of the stream; the connection can be used again."""
        self._write(b"0\r\n\r\n")
        self.on_close = lambda: None

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _next(self) -> Request | None:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        method, target, _ = first.split(" ", 2)
        path, _, query = target.partition("?")
        return Request(method, unquote(path), dict(parse_qsl(query)), headers, rest[:length])
