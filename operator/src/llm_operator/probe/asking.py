"""One HTTP request to a model, and whether what came back is an answer."""

import asyncio
import io
import json
import socket
import wave
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import aiohttp

from llm_operator.plan.probing import Ask

# Refusals of this very request by an engine that is there: it has no key for us, or cannot do what was asked.
_ANSWERED: Final = frozenset({400, 401, 403, 405, 413, 415, 422, 429})
# Ray 2.60.0, serve/exceptions.py, BackPressureError: the queue is full, which takes a replica that works.
_BACK_PRESSURE: Final = b"backpressure"
_MOST_BYTES: Final = 65_536
_SILENCE_SECONDS: Final = 0.1
_RATE: Final = 16_000


class Kind(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    """At once: refused, reset, or an error status."""
    SILENT = "silent"
    """Nothing within the limit."""
    UNKNOWN_NAME = "unknown_name"
    """The Service's name does not resolve, which says nothing if no name does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`error` holds no number that differs from one time to the next."""

    kind: Kind
    error: str = ""

    @property
    def ok(self) -> bool:
        """It was answered."""
        return self.kind is Kind.ANSWERED


def silence() -> bytes:
    """A WAV file that says nothing."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(bytes(2 * int(_RATE * _SILENCE_SECONDS)))
    return out.getvalue()


class Client:
    """A new connection for each request: one that is kept would outlive the endpoint that it should find."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Closes what is open."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, ask: Ask, *, seconds: float) -> Answer:
        """Never raises, cancellation apart."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(ask)
        except TimeoutError:
            return Answer(Kind.SILENT, "no answer in time")
        except aiohttp.ClientConnectorDNSError:
            return Answer(Kind.UNKNOWN_NAME, "the Service's name does not resolve")
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, ConnectionRefusedError)
            return Answer(Kind.FAILED, "connection refused" if refused else "no connection")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(Kind.FAILED, f"the connection broke ({type(error).__name__})")

    async def get_text(self, url: str, *, seconds: float) -> str | None:
        """The body of a good answer, or None."""
        try:
            async with asyncio.timeout(seconds), self._open().get(url, allow_redirects=False) as answer:
                return await answer.text() if answer.status == 200 else None
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None

    async def _ask(self, ask: Ask) -> Answer:
        async with self._send(ask) as answer:
            body = await answer.content.read(_MOST_BYTES)
            if answer.status in _ANSWERED or (answer.status == 503 and _BACK_PRESSURE in body.lower()):
                return Answer(Kind.ANSWERED)
            if answer.status >= 300:
                return Answer(Kind.FAILED, f"HTTP status {answer.status}")
            if ask.lists is not None and not _lists(body, ask.lists):
                return Answer(Kind.FAILED, f"Serve has no route {ask.lists}")
            return Answer(Kind.ANSWERED)

    def _send(self, ask: Ask) -> "aiohttp.client._RequestContextManager":
        session = self._open()
        if ask.audio_of is not None:
            form = aiohttp.FormData({"model": ask.audio_of, "temperature": "0"})
            form.add_field("file", silence(), filename="silence.wav", content_type="audio/wav")
            return session.post(ask.url, data=form, allow_redirects=False)
        if ask.json_body is not None:
            headers = {"Content-Type": "application/json"}
            return session.post(ask.url, data=ask.json_body, headers=headers, allow_redirects=False)
        return session.get(ask.url, allow_redirects=False)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # needs the event loop
            connector = aiohttp.TCPConnector(force_close=True, limit=0, ttl_dns_cache=30, family=socket.AF_UNSPEC)
            timeout = aiohttp.ClientTimeout(total=None)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, trust_env=False, headers={"User-Agent": "llm-operator"}
            )
        return self._session


def _lists(body: bytes, key: str) -> bool:
    try:
        found = json.loads(body)
    except ValueError:
        return False
    return isinstance(found, dict) and key in found
