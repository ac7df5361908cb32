"""A fake Kubernetes API server on loopback HTTP: discovery, lists, watches, writes, counters, faults."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from contract.objects import Address, Change, Objects, Refused, matches

BOOKMARK_SECONDS = 0.5
KINDS = {
    "llm-operator.io/v1alpha1": {"llmdeployments": "LLMDeployment"},
    "ray.io/v1": {"rayservices": "RayService", "rayclusters": "RayCluster"},
    "coordination.k8s.io/v1": {"leases": "Lease"},
    "events.k8s.io/v1": {"events": "Event"},
    "apiextensions.k8s.io/v1": {"customresourcedefinitions": "CustomResourceDefinition"},
    # kopf waits until discovery names namespaces and CRDs, although it never reads them here.
    "v1": {"pods": "Pod", "namespaces": "Namespace"},
}
WRITES = frozenset({"create", "update", "patch", "apply", "delete"})


@dataclass(frozen=True)
class Call:
    """One request in RBAC's terms; `user` is the bearer token, `resource` has the subresource: llmdeployments/status."""

    user: str
    verb: str
    resource: str


@dataclass
class Fault:
    """Answers the next `times` requests of that verb and resource (None: any) with an error."""

    status: int
    verb: str | None = None
    resource: str | None = None
    times: int = 1
    retry_after: int | None = None
    body: bytes | None = None
    hits: int = 0

    def takes(self, call: Call) -> bool:
        """Whether this call gets the fault; counts it."""
        if self.hits >= self.times or self.verb not in (None, call.verb) or self.resource not in (None, call.resource):
            return False
        self.hits += 1
        return True


@dataclass
class FakeServer:
    """Start it with `async with`. Tests read `objects` and `calls`, and add to `faults`."""

    objects: Objects = field(default_factory=Objects)
    calls: Counter[Call] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    installed: set[str] = field(default_factory=lambda: set(KINDS))
    url: str = ""

    def __post_init__(self) -> None:
        self._held: set[str] = set()
        self._released = asyncio.Event()
        self._drop = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "FakeServer":
        app = web.Application(middlewares=[self._serve])
        app.router.add_route("*", "/{tail:.*}", self._dispatch)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.drop_watches()
        assert self._runner is not None
        await self._runner.cleanup()

    def writes(self, user: str | None = None) -> Counter[str]:
        """Writes so far as `verb resource`, without leases and events."""
        return Counter(
            {
                f"{call.verb} {call.resource}": count
                for call, count in self.calls.items()
                if call.verb in WRITES and call.resource not in ("leases", "events") and user in (None, call.user)
            }
        )

    def events(self) -> Counter[str]:
        """Reasons of the events that exist."""
        return Counter(event["reason"] for event in self.objects.select("events"))

    def count(self, verb: str, resource: str) -> int:
        """Requests of that kind so far."""
        return sum(n for call, n in self.calls.items() if (call.verb, call.resource) == (verb, resource))

    def drop_watches(self, *, hold: Iterable[str] = ()) -> None:
        """Cuts every open watch; new ones of the kinds in `hold` wait until `release_watches`."""
        self._held = set(hold)
        self._drop.set()
        self._drop = asyncio.Event()

    def release_watches(self) -> None:
        """Lets held watches go on."""
        self._held.clear()
        self._released.set()
        self._released = asyncio.Event()

    @web.middleware
    async def _serve(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return _status(refused.status, refused.reason, refused.message)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        api, rest = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
        call = _call(request, rest)
        self.calls[call] += 1
        for fault in self.faults:
            if fault.takes(call):
                return _fault(fault)
        if not rest:
            return self._discovery(parts, api)
        if api not in self.installed:
            return web.Response(status=404, text="404 page not found")
        namespace, rest = (rest[1], rest[2:]) if rest[0] == "namespaces" else (None, rest)
        if len(rest) == 1 and request.method == "GET":
            if call.verb == "watch":
                return await self._watch(request, rest[0], namespace)
            return self._list(request, api, rest[0], namespace)
        return await self._object(request, call, namespace or "", rest)

    def _discovery(self, parts: list[str], api: str) -> web.Response:
        if parts == ["api"]:
            return web.json_response({"versions": ["v1"]})
        if parts == ["apis"]:
            groups = [api.split("/") for api in sorted(self.installed) if "/" in api]
            return web.json_response({"groups": [_group(*group) for group in groups]})
        if api not in self.installed:
            return web.Response(status=404, text="404 page not found")
        resources = [
            {"name": plural, "kind": kind, "singularName": kind.lower(), "namespaced": True, "verbs": ["list", "watch"]}
            for plural, kind in KINDS[api].items()
        ]
        return web.json_response({"groupVersion": api, "resources": resources})

    def _list(self, request: web.Request, api: str, plural: str, namespace: str | None) -> web.Response:
        found = self.objects.select(plural, namespace, request.query.get("labelSelector", ""))
        start, limit = int(request.query.get("continue", 0)), int(request.query.get("limit", 0)) or len(found)
        metadata: dict[str, Any] = {"resourceVersion": str(self.objects.version)}
        if start + limit < len(found):
            metadata["continue"] = str(start + limit)
        items = found[start : start + limit]
        if "PartialObjectMetadataList" in request.headers.get("Accept", ""):
            items = [{"metadata": item["metadata"]} for item in items]
        kind = KINDS[api][plural]
        return web.json_response({"kind": f"{kind}List", "apiVersion": api, "metadata": metadata, "items": items})

    async def _watch(self, request: web.Request, plural: str, namespace: str | None) -> web.StreamResponse:
        while plural in self._held:
            await self._released.wait()
        drop, selector = self._drop, request.query.get("labelSelector", "")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        seen = int(request.query.get("resourceVersion", 0))
        dropped = asyncio.create_task(drop.wait())
        with contextlib.suppress(ConnectionError):
            while not drop.is_set():
                if seen < self.objects.oldest:
                    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
                    await _line(response, "ERROR", gone)
                    break
                for change in [change for change in self.objects.log if change.version > seen]:
                    seen = change.version
                    if change.kind == plural and namespace in (None, change.object["metadata"]["namespace"]):
                        await _send(response, change, selector)
                await self._bookmark(response, dropped, seen)
        dropped.cancel()
        return response

    async def _bookmark(self, response: web.StreamResponse, dropped: asyncio.Task[Any], seen: int) -> None:
        changed = asyncio.create_task(self.objects.changed())
        await asyncio.wait((changed, dropped), timeout=BOOKMARK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not changed.done() and not dropped.done():
            await _line(response, "BOOKMARK", {"metadata": {"resourceVersion": str(seen)}})
        changed.cancel()

    async def _object(self, request: web.Request, call: Call, namespace: str, rest: list[str]) -> web.Response:
        plural, name = rest[0], rest[1] if len(rest) > 1 else ""
        address = Address(plural, namespace, name)
        body: Any = await request.json() if request.can_read_body else {}
        match call.verb:
            case "get":
                found = self.objects.get(address)
                if found is None:
                    raise Refused(404, "NotFound", f'{plural} "{name}" not found')
                return web.json_response(found)
            case "create":
                return web.json_response(self.objects.create(plural, body), status=201)
            case "update":
                return web.json_response(self.objects.replace(plural, body))
            case "delete":
                self.objects.delete(address, (body.get("preconditions") or {}).get("uid"))
                return web.json_response({"kind": "Status", "status": "Success"})
            case "apply":
                assert dict(request.query) == {"force": "true", "fieldManager": "llm-operator"}
                return web.json_response(self.objects.apply(address, body, status=rest[2:] == ["status"]))
            case "patch" if "json-patch" in request.content_type:
                return web.json_response(self.objects.json_patch(address, body))
            case _:
                return web.json_response(self.objects.merge_patch(address, body))


def _call(request: web.Request, rest: list[str]) -> Call:
    user = request.headers.get("Authorization", "").partition(" ")[2]
    tail = rest[2:] if rest[:1] == ["namespaces"] else rest
    if not tail:
        return Call(user, "discover", "")
    resource = tail[0] + (f"/{tail[2]}" if len(tail) > 2 else "")
    verbs = {"POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch", "GET": "get"}
    verb = verbs[request.method]
    if verb == "patch" and "apply-patch" in request.content_type:
        verb = "apply"
    if verb == "get" and len(tail) == 1:
        verb = "watch" if request.query.get("watch") else "list"
    return Call(user, verb, resource)


def _group(name: str, version: str) -> dict[str, Any]:
    entry = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def _status(code: int, reason: str, message: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return web.json_response({**body, "message": message}, status=code)


def _fault(fault: Fault) -> web.Response:
    if fault.body is not None:
        return web.Response(status=fault.status, body=fault.body, content_type="application/json")
    answer = _status(fault.status, "Injected", f"injected fault {fault.status}")
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer


async def _line(response: web.StreamResponse, kind: str, obj: Any) -> None:
    await response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")


async def _send(response: web.StreamResponse, change: Change, selector: str) -> None:
    """A watch with a selector sees an object that leaves it as deleted, and one that comes into it as added."""
    now, before = matches(selector, change.object), matches(selector, change.before)
    if change.type == "DELETED":
        kind = "DELETED" if now else None
    else:
        kind = {(True, False): "ADDED", (True, True): "MODIFIED", (False, True): "DELETED"}.get((now, before))
    if kind is not None:
        await _line(response, kind, change.object)
