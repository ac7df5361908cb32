"""An A/B router: sends each request to one of several targets, by a split that is set in place. `llm_serve_app.ab_router:build`.

Any method and path below the router's route prefix goes to the chosen target's URL plus that path, and the answer comes
back as it arrives, so streams are streams. The answer's header `x-ab-target` names the target.

  args:        {targets: {a: {url: /model-a}, b: {url: /model-b, model: other-id}}, sticky_header: x-session-id}
  user_config: {split: {a: 90, b: 10}}      without it every target gets the same share

A target is another application of the same cluster ("/" and its route prefix) or any URL. `model` replaces the model's
name in a JSON body. With `sticky_header` all requests with the same value of that header go to the same target as long as
the split stays, on every replica; requests without it are split at random.
"""

import hashlib
import json
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Annotated, Any

import aiohttp
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field
from ray import serve

from llm_serve_app.settings import Settings, parse, reconfigured

DEPLOYMENTS = ("ABRouter",)
TARGET_HEADER = "x-ab-target"
# Headers of one connection, not of the message (RFC 9110, 7.6.1), and those that the client library sets anew.
HOP_BY_HOP = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"proxy-authenticate", "proxy-authorization", "proxy-connection"}
)
CONNECT_SECONDS = 10.0
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Share = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class Target(Settings):
    """`url`: "/" and a route prefix of this cluster, or http(s)://...; `model`: the name that this target knows."""

    url: str = Field(pattern=r"^(/[^/?#\s][^?#\s]*|https?://[^/?#\s]+[^?#\s]*)$")
    model: str | None = Field(default=None, min_length=1)


class Args(Settings):
    targets: dict[Name, Target] = Field(min_length=2, max_length=16)
    sticky_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    serve_url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^/?#\s]+$")


class SplitConfig(Settings):
    """`split`: target -> share; the shares need not add up to 100. Left out: equal shares."""

    split: dict[str, Share] | None = None

    def conflicts(self, args: Args) -> Iterator[tuple[str, str]]:
        if self.split is None:
            return
        for name in sorted(set(self.split) - set(args.targets)):
            yield f"split.{name}", f"no such target; there is {sorted(args.targets)}"
        if not any(self.split.values()):
            yield "split", "the shares add up to 0; one of them must be more"


USER_CONFIGS: dict[str, type[Settings]] = {"ABRouter": SplitConfig}


def shares(targets: Mapping[str, Target], split: Mapping[str, float] | None) -> list[tuple[str, float]]:
    """(target, share) by name; a target that a split leaves out has 0."""
    return [(name, 1.0 if split is None else float(split.get(name, 0))) for name in sorted(targets)]


def position(key: str | None) -> float:
    """0 <= x < 1: the same for the same key, on every replica; random without one."""
    if key is None:
        return random.random()  # noqa: S311
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7]) / 256**7


def choose(weighted: list[tuple[str, float]], at: float) -> str:
    """The target in whose part of the line from 0 to the sum of the shares `at` (0 <= at < 1) falls."""
    left = at * sum(share for _, share in weighted)
    for name, share in weighted:
        if left < share:
            return name
        left -= share
    return next(name for name, share in reversed(weighted) if share > 0)  # rounding


def with_model(body: bytes, model: str | None) -> bytes:
    """A JSON object that names a model, with that name replaced; any other body as it is."""
    if model is None or not body:
        return body
    try:
        content = json.loads(body)
    except ValueError:
        return body
    if not isinstance(content, dict) or "model" not in content:
        return body
    return json.dumps({**content, "model": model}).encode()


async def _chunks(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The target's bytes as they come; when the client goes away the connection is closed, which cancels the request."""
    try:
        async for chunk in upstream.content.iter_any():
            yield chunk
    finally:
        upstream.close()


# Helpers stand above the deployment: `serve.ingress` copies it, with the names that exist at that line.
api = FastAPI(title="A/B router", openapi_url=None)  # every path is the target's


# No check_health: Serve's own probe then sees an event loop that hangs (Ray 2.60: only without a method of the user's).
@serve.deployment(
    name="ABRouter",
    ray_actor_options={"num_cpus": 0.1},
    max_ongoing_requests=1000,
    graceful_shutdown_timeout_s=60,  # streams that run may end
    health_check_period_s=10,
    health_check_timeout_s=10,
)
@serve.ingress(api)
class ABRouter:
    def __init__(self, args: dict[str, Any]) -> None:
        self._args = parse(Args, args, "args")
        self._config = SplitConfig()
        self._session: aiohttp.ClientSession | None = None

    def reconfigure(self, user_config: Any) -> None:
        """The new split holds from the next request on; requests that run stay where they are."""
        self._config = reconfigured(self._config, user_config, self._args)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:  # needs the event loop, which the constructor does not run in
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False)
        return self._session

    @api.api_route("/{path:path}", methods=METHODS)
    async def forward(self, path: str, request: Request) -> Response:
        key = request.headers.get(self._args.sticky_header) if self._args.sticky_header else None
        name = choose(shares(self._args.targets, self._config.split), position(key))
        target = self._args.targets[name]
        base = self._args.serve_url + target.url if target.url.startswith("/") else target.url
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{base.rstrip('/')}/{path}{query}"
        headers = [(key, value) for key, value in request.headers.items() if key.lower() not in HOP_BY_HOP]
        body = with_model(await request.body(), target.model)
        try:
            upstream = await self._client().request(
                request.method, url, data=body or None, headers=headers, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            message = f"target {name} does not answer: {type(error).__name__}"
            return JSONResponse({"detail": message}, 502, headers={TARGET_HEADER: name})
        answer = StreamingResponse(_chunks(upstream), upstream.status)
        for header, value in upstream.headers.items():
            if header.lower() not in HOP_BY_HOP - {"content-length"}:
                answer.headers.append(header, value)
        answer.headers[TARGET_HEADER] = name
        return answer


def build(args: dict[str, Any]) -> serve.Application:
    """Serve's entry: raises InvalidSettings, which Serve shows as the reason of DEPLOY_FAILED."""
    parse(Args, args, "args")
    return ABRouter.bind(args)  # type: ignore[attr-defined]
