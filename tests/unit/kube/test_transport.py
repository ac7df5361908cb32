"""One request: typed errors, Retry-After, timeouts, the fence, the count. Real HTTP on loopback."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration
from llm_operator.kube import errors
from llm_operator.kube.cluster import KubeCluster
from llm_operator.kube.errors import ApiError, NotLeader
from llm_operator.kube.resources import LLMDEPLOYMENTS, RAYSERVICES
from llm_operator.kube.transport import RETRIES, Transport


class Api:
    """Answers from a list, the last one for ever."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.counted: Counter[tuple[str, str]] = Counter()
        self.delay = 0.0
        self.transport: Transport
        self.configuration: Configuration

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        await request.read()
        await asyncio.sleep(self.delay)
        status, body, headers = self.script[min(len(self.requests), len(self.script)) - 1]
        return web.Response(status=status, text=body, headers=headers)

    script: list[tuple[int, str, dict[str, str]]]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    fake = Api()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    async with TestServer(app) as server:
        fake.configuration = Configuration(host=str(server.make_url("")).rstrip("/"))
        fake.configuration.api_key["BearerToken"] = "Bearer t1"
        fake.transport = Transport(
            fake.configuration,
            concurrency=2,
            timeout_seconds=0.5,
            count=lambda verb, code: fake.counted.update([(verb, code)]),
        )
        yield fake
        await fake.transport.close()


def status(code: int, reason: str = "R", message: str = "m") -> tuple[int, str, dict[str, str]]:
    return code, f'{{"kind": "Status", "reason": "{reason}", "message": "{message}"}}', {}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, errors.Invalid),
        (401, ApiError),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (422, errors.Invalid),
        (429, errors.Throttled),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
    ],
)
async def test_status_becomes_a_type(api: Api, code: int, kind: type[ApiError]) -> None:
    api.script = [status(code, "Because", "of this")]
    with pytest.raises(ApiError) as caught:
        await api.transport.request("get", "GET", "/x")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.reason, caught.value.message) == (code, "Because", "of this")
    assert api.counted == {("get", str(code)): 1}


@pytest.mark.parametrize("code", [429, 503])
async def test_retry_after_is_obeyed(api: Api, code: int) -> None:
    api.script = [(code, "{}", {"Retry-After": "0"}), (200, '{"a": 1}', {})]
    assert await api.transport.request("get", "GET", "/x") == {"a": 1}
    assert len(api.requests) == 2


async def test_retries_are_bounded(api: Api) -> None:
    api.script = [(429, "{}", {"Retry-After": "0"})]
    with pytest.raises(errors.Throttled):
        await api.transport.request("get", "GET", "/x")
    assert len(api.requests) == RETRIES + 1


async def test_a_long_wait_is_left_to_the_queue(api: Api) -> None:
    api.script = [(429, "{}", {"Retry-After": "60"})]
    with pytest.raises(errors.Throttled) as caught:
        await api.transport.request("get", "GET", "/x")
    assert (caught.value.retry_after, len(api.requests)) == (60, 1)


async def test_plain_500_is_not_retried_here(api: Api) -> None:
    api.script = [status(500)]
    with pytest.raises(errors.Unavailable):
        await api.transport.request("get", "GET", "/x")
    assert len(api.requests) == 1


@pytest.mark.parametrize("body", ['{"a": ', "<html>"])
async def test_answer_that_is_not_json(api: Api, body: str) -> None:
    api.script = [(200, body, {})]
    with pytest.raises(errors.Unavailable, match="not JSON"):
        await api.transport.request("get", "GET", "/x")


async def test_timeout(api: Api) -> None:
    api.script, api.delay = [(200, "{}", {})], 5
    with pytest.raises(errors.Unavailable, match=r"within 0\.5 s"):
        await api.transport.request("get", "GET", "/x")
    assert api.counted == {("get", "error"): 1}


async def test_no_connection() -> None:
    transport = Transport(
        Configuration(host="http://127.0.0.1:1"), concurrency=1, timeout_seconds=5, count=lambda *_: None
    )
    with pytest.raises(errors.Unavailable, match="ConnectionFailed"):
        await transport.request("get", "GET", "/x")
    await transport.close()


async def test_rotated_token_is_used(api: Api) -> None:
    api.script = [(200, "{}", {})]
    await api.transport.request("get", "GET", "/x")

    def rotated(configuration: Any) -> None:
        configuration.api_key["BearerToken"] = "Bearer t2"

    api.configuration.refresh_api_key_hook = rotated  # type: ignore[assignment]
    await api.transport.request("get", "GET", "/x")
    assert [request.headers["Authorization"] for request in api.requests] == ["Bearer t1", "Bearer t2"]


def refuse() -> None:
    raise NotLeader


async def test_no_write_of_any_kind_passes_a_closed_fence(api: Api) -> None:
    api.script = [(200, "{}", {})]
    cluster = KubeCluster(api.transport, namespaces=(), fence=refuse)
    named = {"metadata": {"namespace": "llm", "name": "a", "uid": "u"}}
    for write in (
        cluster.apply(RAYSERVICES, named),
        cluster.apply_status(LLMDEPLOYMENTS, named, {}),
        cluster.patch_json(RAYSERVICES, "llm", "a", []),
        cluster.delete(RAYSERVICES, "llm", "a", uid="u"),
        cluster.create_event(named),
        cluster.patch_event("llm", "a", {}),
    ):
        with pytest.raises(NotLeader):
            await write
    assert api.requests == []


async def test_no_more_requests_at_once_than_allowed(api: Api) -> None:
    api.script, api.delay = [(200, "{}", {})], 0.1
    calls = [asyncio.create_task(api.transport.request("get", "GET", "/x")) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert len(api.requests) == 2
    await asyncio.gather(*calls)
    assert len(api.requests) == 5
