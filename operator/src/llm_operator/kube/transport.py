"""One HTTP request to the API server through the official client: bounded, timed, counted, with typed errors."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from llm_operator.kube import login
from llm_operator.kube.errors import ApiError, Unavailable, from_answer

RETRIES: Final = 2
"""Retries after an answer with Retry-After; later tries are the queue's job."""
MAX_RETRY_AFTER_SECONDS: Final = 10.0
"""Longest obeyed wait inside a request; the error carries the rest to the queue."""
_USER_AGENT: Final = "llm-operator"

Count: TypeAlias = Callable[[str, str], None]
"""Called with the verb and the HTTP status (or "error") of every request sent."""


class Transport:
    """JSON in, JSON out. Not for watches: kopf does those."""

    def __init__(self, configuration: Configuration, *, concurrency: int, timeout_seconds: float, count: Count) -> None:
        # The client's own pool must not be the bottleneck: the semaphore is.
        configuration.connection_pool_maxsize = concurrency
        self._configuration = configuration
        self._client = ApiClient(configuration)
        self._slots = asyncio.Semaphore(concurrency)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._count = count

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def request(
        self,
        verb: str,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        before_send: Callable[[], None] | None = None,
    ) -> Any:
        """The decoded answer. `verb` is the RBAC verb, for the metric. 429 and 503 with Retry-After are retried a few
        times, outside the concurrency limit. `before_send` runs right before each try (it may raise). Raises ApiError."""
        url = self._configuration.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": _USER_AGENT}
        for attempt in range(RETRIES + 1):
            async with self._slots:
                if before_send is not None:
                    before_send()
                try:
                    return await self._once(verb, method, url, dict(headers), body)
                except ApiError as error:
                    wait = error.retry_after
                    if wait is None or attempt == RETRIES or wait > MAX_RETRY_AFTER_SECONDS:
                        raise
            await asyncio.sleep(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _once(self, verb: str, method: str, url: str, headers: dict[str, str], body: Any) -> Any:
        token = await login.authorization(self._configuration)
        if token:
            headers["Authorization"] = token
        try:
            answer = await self._client.call_api(
                method, url, header_params=headers, body=body, _request_timeout=self._timeout
            )
            raw = await answer.read()  # type: ignore[no-untyped-call]
        except TimeoutError:
            self._count(verb, "error")
            raise Unavailable(0, "Timeout", f"no answer to {method} {url} within {self._timeout.total:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            self._count(verb, "error")
            raise Unavailable(0, "ConnectionFailed", f"{method} {url}: {type(error).__name__} {error}") from error
        self._count(verb, str(answer.status))
        return _decode(answer.status, raw, answer.headers.get("Retry-After"))


def _decode(status: int, raw: bytes, retry_after: str | None) -> Any:
    try:
        body = json.loads(raw)
    except ValueError:
        if status < 400:
            raise Unavailable(status, "BadAnswer", f"the answer is not JSON: {raw[:200]!r}") from None
        body = {"message": raw[:200].decode(errors="replace")}
    if status < 400:
        return body
    seconds = float(retry_after) if retry_after and retry_after.isdigit() and status in (429, 503) else None
    raise from_answer(status, body, retry_after=seconds)
