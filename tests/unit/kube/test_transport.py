"""One request: typed errors, Retry-After, timeouts, the fence, the count. Real HTTP on loopback."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.helpers import get_env_proxy_for_url
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
        self.at_once = self.most_at_once = 0
        self.transport: Transport
        self.configuration: Configuration

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        await request.read()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.delay)
        self.at_once -= 1
        status, body, headers = self.script[min(len(self.requests), len(self.script)) - 1]
        return web.Response(status=status, text=body, headers=headers)

    script: list[tuple[int, str, dict[str, str]]]


def transport(fake: Api, *, seconds: float) -> Transport:
    return Transport(
        fake.configuration,
        concurrency=2,
        timeout_seconds=seconds,
        count=lambda verb, code: fake.counted.update([(verb, code)]),
    )


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    fake = Api()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    async with TestServer(app) as server:
        fake.configuration = Configuration(host=str(server.make_url("")).rstrip("/"))
        fake.configuration.api_key["BearerToken"] = "Bearer t1"
        fake.transport = transport(fake, seconds=60)
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
    impatient = transport(api, seconds=0.5)
    with pytest.raises(errors.Unavailable, match=r"within 0\.5 s"):
        await impatient.request("get", "GET", "/x")
    await impatient.close()
    assert api.counted == {("get", "error"): 1}


async def test_no_connection() -> None:
    transport = Transport(
        Configuration(host="http://127.0.0.1:1"), concurrency=1, timeout_seconds=5, count=lambda *_: None
    )
    with pytest.raises(errors.Unavailable, match="ConnectionFailed"):
        await transport.request("get", "GET", "/x")
    await transport.close()


@pytest.mark.parametrize("proxied", [False, True])
async def test_the_environment_is_asked_only_where_it_names_a_proxy(
    api: Api, monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    """Each time costs two hops to a thread. The proxy here is the stand-in for the API server: it gets the whole URL."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    target = api.configuration.host
    if proxied:
        monkeypatch.setenv("http_proxy", target)
        target = "http://api.invalid"
    looked = Mock(wraps=get_env_proxy_for_url)
    monkeypatch.setattr("aiohttp.client.get_env_proxy_for_url", looked)
    transport = Transport(Configuration(host=target), concurrency=1, timeout_seconds=5, count=lambda *_: None)
    api.script = [(200, '{"kind": "X"}', {})]
    assert await transport.request("get", "GET", "/x") == {"kind": "X"}
    await transport.close()
    assert looked.called is proxied


async def test_rotated_token_is_used(api: Api) -> None:
    api.script = [(200, "{}", {})]
    await api.transport.request("get", "GET", "/x")

    def rotated(configuration: Any) -> None:
        configuration.api_key["BearerToken"] = "Bearer t2"

    api.configuration.refresh_api_key_hook = rotated  # type: ignore[assignment]
    await api.transport.request("get", "GET", "/x")
    assert [request.headers["Authorization"] for request in api.requests] == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize(("renewed", "sent"), [("t2", ["t1", "t2"]), ("t1", ["t1"])])
async def test_refused_token_is_read_again_once(api: Api, renewed: str, sent: list[str]) -> None:
    async def load() -> Configuration:
        other = Configuration(host=api.configuration.host)
        other.api_key["BearerToken"] = f"Bearer {renewed}"
        return other

    transport = Transport(api.configuration, concurrency=1, timeout_seconds=5, count=lambda *_: None, load=load)
    api.script = [status(401)]
    with pytest.raises(errors.ApiError) as raised:
        await transport.request("get", "GET", "/x")
    await transport.close()
    assert raised.value.status == 401
    assert [request.headers["Authorization"] for request in api.requests] == [f"Bearer {token}" for token in sent]


async def test_token_that_another_request_has_read_is_used(api: Api) -> None:
    loads = 0

    async def load() -> Configuration:
        nonlocal loads
        loads += 1
        other = Configuration(host=api.configuration.host)
        other.api_key["BearerToken"] = "Bearer t2"
        return other

    transport = Transport(api.configuration, concurrency=2, timeout_seconds=5, count=lambda *_: None, load=load)
    api.script, api.delay = [status(401), status(401), (200, "{}", {})], 0.05
    await asyncio.gather(*(transport.request("get", "GET", "/x") for _ in range(2)))
    await transport.close()
    assert loads == 1
    assert len(api.requests) == 4


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


async def test_a_json_patch_of_a_subresource(api: Api) -> None:
    api.script = [(200, "{}", {})]
    cluster = KubeCluster(api.transport, namespaces=(), fence=lambda: None)
    await cluster.patch_json(RAYSERVICES, "llm", "a", [], subresource="status")
    (request,) = api.requests
    assert request.path.endswith("/namespaces/llm/rayservices/a/status")


async def test_no_more_requests_at_once_than_allowed(api: Api) -> None:
    api.script, api.delay = [(200, "{}", {})], 0.1
    await asyncio.gather(*(api.transport.request("get", "GET", "/x") for _ in range(5)))
    assert api.most_at_once == 2
    assert len(api.requests) == 5
