"""One HTTP request to the API server through the official client: bounded, timed, counted, with typed errors."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode
from urllib.request import getproxies

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from llm_operator.kube import login
from llm_operator.kube.errors import ApiError, Unavailable, from_answer

RETRIES: Final = 2
"""Retries after an answer with Retry-After; later tries are the queue's job."""
MAX_RETRY_AFTER_SECONDS: Final = 10.0
"""Longest obeyed wait inside a request; the error carries the rest to the queue."""
_logger = logging.getLogger(__name__)
_USER_AGENT: Final = "llm-operator"

Load: TypeAlias = Callable[[], Awaitable[Configuration]]
"""Reads the credentials again; raises LoginError."""
BeforeSend: TypeAlias = Callable[[], None]
Count: TypeAlias = Callable[[str, str], None]
"""Called with the verb and the HTTP status (or "error") of every request sent."""


class Transport:
    """JSON in, JSON out. Not for watches: kopf does those. Without `load` the credentials are for ever."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        concurrency: int,
        timeout_seconds: float,
        count: Count,
        load: Load | None = None,
    ) -> None:
        # The client's own pool must not be the bottleneck: the semaphore is.
        configuration.connection_pool_maxsize = concurrency
        # aiohttp looks for a proxy and for ~/.netrc in two threads before each request, when told to trust the environment.
        configuration.client_session_kwargs = {"trust_env": bool(getproxies())}
        self._configuration = configuration
        self._credentials, self._load = configuration, load
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
        before_send: BeforeSend = lambda: None,
    ) -> Any:
        """The decoded answer. `verb` is the RBAC verb, for the metric. 429 and 503 with Retry-After are retried a few
        times, outside the concurrency limit; 401 once, with credentials that are read again (a service account's token was
        replaced). `before_send` runs right before each try (it may raise). Raises ApiError."""
        url = self._configuration.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": _USER_AGENT}
        for attempt in range(RETRIES + 1):
            async with self._slots:
                try:
                    return await self._trusted(verb, method, url, headers, body, before_send)
                except ApiError as error:
                    wait = error.retry_after
                    if wait is None or attempt == RETRIES or wait > MAX_RETRY_AFTER_SECONDS:
                        raise
            await asyncio.sleep(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _trusted(
        self, verb: str, method: str, url: str, headers: dict[str, str], body: Any, before_send: BeforeSend
    ) -> Any:
        """One try, and after a 401 another one if there are other credentials by now."""
        before_send()
        token = await login.authorization(self._credentials)
        try:
            return await self._once(verb, method, url, headers, body, token)
        except ApiError as error:
            if error.status != HTTPStatus.UNAUTHORIZED or (renewed := await self._renewed(token)) is None:
                raise
        before_send()
        return await self._once(verb, method, url, headers, body, renewed)

    async def _renewed(self, refused: str | None) -> str | None:
        """Another Authorization header than the refused one; None if there is none."""
        # Another request may have read it meanwhile.
        if await login.authorization(self._credentials) == refused and self._load is not None:
            try:
                self._credentials = await self._load()
            except login.LoginError as error:
                _logger.warning("the API server refuses our credentials, and they cannot be read again: %s", error)
                return None
        token = await login.authorization(self._credentials)
        return token if token != refused else None

    async def _once(
        self, verb: str, method: str, url: str, headers: dict[str, str], body: Any, token: str | None
    ) -> Any:
        sent = {**headers, **({"Authorization": token} if token else {})}
        try:
            answer = await self._client.call_api(
                method, url, header_params=sent, body=body, _request_timeout=self._timeout
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
