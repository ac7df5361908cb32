"""A fake Kubernetes API server on loopback HTTP(S): discovery, lists, watches, writes, a journal, faults.

Any group, version and plural can be written and read; discovery names those of KINDS. Simplified on purpose: no schemas, no
admission, no rights.
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from contract.access import free_port
from contract.faults import WRITES, Call, Cut, Fault, Strike, Write
from contract.lists import page
from contract.objects import Address, Change, Objects, Refused, matches
from contract.streams import HOLD_SECONDS, Disturb, Line, Plain

BOOKMARK_SECONDS = 0.5
_TICK_SECONDS = 0.1
KINDS = {
    "llm-operator.io/v1alpha1": {"llmdeployments": "LLMDeployment"},
    "ray.io/v1": {"rayservices": "RayService", "rayclusters": "RayCluster"},
    "coordination.k8s.io/v1": {"leases": "Lease"},
    "events.k8s.io/v1": {"events": "Event"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "apps/v1": {"controllerrevisions": "ControllerRevision"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
    "apiextensions.k8s.io/v1": {"customresourcedefinitions": "CustomResourceDefinition"},
    # kopf waits until discovery names namespaces and CRDs, although it never reads them here.
    "v1": {
        "pods": "Pod",
        "nodes": "Node",
        "namespaces": "Namespace",
        "services": "Service",
        "configmaps": "ConfigMap",
    },
}
CLUSTER_WIDE = frozenset({"nodes", "namespaces", "customresourcedefinitions"})
"""Kinds without a namespace; stored with an empty one."""


@dataclass
class FakeServer:
    """Start it with `async with`. Tests read `objects` and `calls`, and add to `faults`."""

    objects: Objects = field(default_factory=Objects)
    calls: Counter[Call] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    journal: list[Write] = field(default_factory=list)
    """All writes but those of Leases, in the order of their arrival."""
    installed: set[str] = field(default_factory=lambda: set(KINDS))
    disturb: Disturb = lambda _: Plain()
    horizon: Callable[[str], int | None] = lambda _: None
    """What lists and watches of a kind know: the changes up to this version; None: all."""
    tokens: dict[str, str] | None = None
    """User by bearer token: another token gets 401. None: every token is good and is its user's name."""
    tls: ssl.SSLContext | None = None
    resyncs: Counter[str] = field(default_factory=Counter)
    """Lists of names of LLMDeployments, by user."""
    seen_at: list[tuple[float, Call, str]] = field(default_factory=list)
    """Every request, with its time (monotonic) and user agent."""
    url: str = ""
    port: int = 0

    def __post_init__(self) -> None:
        self._held: set[str] = set()
        self._released = asyncio.Event()
        self._drop = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "FakeServer":
        self.port = free_port()
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def up(self) -> None:
        """Listens, at the same port as before."""
        app = web.Application(middlewares=[self._serve])
        app.router.add_route("*", "/{tail:.*}", self._dispatch)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls, reuse_address=True).start()

    async def down(self) -> None:
        """Cuts every connection and listens no more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            self.drop_watches()
            await runner.cleanup()

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
            return _status(refused.status, refused.reason, refused.message, refused.field)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        api, rest = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
        call = self._call(request, rest)
        self.calls[call] += 1
        self.seen_at.append((time.monotonic(), call, request.headers.get("User-Agent", "")))
        write = self._journal(call, rest) if call.verb in WRITES and rest else None
        try:
            answer = await self._answer(request, call, write, parts, api, rest)
        except Refused as refused:
            answer = _status(refused.status, refused.reason, refused.message, refused.field)
        except Cut:
            answer = None
        if write is not None:
            write.answer = answer.status if answer is not None else 0
        if answer is None:
            _reset(request)
            return web.Response()
        return answer

    async def _answer(
        self, request: web.Request, call: Call, write: Write | None, parts: list[str], api: str, rest: list[str]
    ) -> web.StreamResponse | None:
        """None: no answer is given."""
        fault = next((fault for fault in self.faults if fault.takes(call)), None)
        if fault is None:
            if call.user == "":
                return _status(401, "Unauthorized", "Unauthorized")
            return await self._honest(request, call, write, parts, api, rest)
        if fault.stored:
            await self._honest(request, call, write, parts, api, rest)
        if write is not None:
            write.acknowledged = False
        await asyncio.sleep(fault.hang)
        if fault.cut:
            return await _half(request)
        return _fault(fault) if fault.status else None

    async def _honest(
        self, request: web.Request, call: Call, write: Write | None, parts: list[str], api: str, rest: list[str]
    ) -> web.StreamResponse:
        if not rest:
            return self._discovery(parts, api)
        if api in KINDS and api not in self.installed:
            return web.Response(status=404, text="404 page not found")
        namespace, rest = (rest[1], rest[2:]) if rest[0] == "namespaces" and len(rest) > 2 else (None, rest)
        if len(rest) == 1 and request.method == "GET":
            if call.verb == "watch":
                return await self._watch(request, rest[0], namespace)
            return self._list(request, api, rest[0], namespace)
        if write is None:
            return await self._object(request, call, namespace or "", rest)
        await self._strike(write, "before")
        version = self.objects.version
        answer = await self._object(request, call, namespace or "", rest)
        write.stored, write.effective = True, self.objects.version != version
        await self._strike(write, "after")
        write.acknowledged = True
        return answer

    def _journal(self, call: Call, rest: list[str]) -> Write:
        namespace, tail = (rest[1], rest[2:]) if rest[0] == "namespaces" else ("", rest)
        lease = call.resource == "leases"
        write = Write(0 if lease else len(self.journal) + 1, call, namespace, tail[1] if len(tail) > 1 else "")
        if not lease:
            self.journal.append(write)
        return write

    async def _strike(self, write: Write, moment: str) -> None:
        for strike in self.strikes:
            if not strike.done and (strike.number, strike.moment) == (write.number, moment):
                strike.done = True
                await strike.act(write)

    def _discovery(self, parts: list[str], api: str) -> web.Response:
        if parts == ["api"]:
            return web.json_response({"versions": ["v1"]})
        if parts == ["apis"]:
            groups = [api.split("/") for api in sorted(self.installed) if "/" in api]
            return web.json_response({"groups": [_group(*group) for group in groups]})
        if api not in self.installed:
            return web.Response(status=404, text="404 page not found")
        resources = [
            {
                "name": plural,
                "kind": kind,
                "singularName": kind.lower(),
                "namespaced": plural not in CLUSTER_WIDE,
                "verbs": ["list", "watch"],
            }
            for plural, kind in KINDS.get(api, {}).items()
        ]
        return web.json_response({"groupVersion": api, "resources": resources})

    def _list(self, request: web.Request, api: str, plural: str, namespace: str | None) -> web.Response:
        items, metadata = page(self.objects, plural, namespace, dict(request.query), self.horizon(plural))
        kind = KINDS.get(api, {}).get(plural) or str(items[0]["kind"] if items else plural)
        if "PartialObjectMetadataList" in request.headers.get("Accept", ""):
            items = [{"metadata": item["metadata"]} for item in items]
            if plural == "llmdeployments" and "continue" not in request.query:
                self.resyncs[self._user(request)] += 1
        return web.json_response({"kind": f"{kind}List", "apiVersion": api, "metadata": metadata, "items": items})

    async def _watch(self, request: web.Request, plural: str, namespace: str | None) -> web.StreamResponse:
        while plural in self._held:
            await self._released.wait()
        drop, selector = self._drop, request.query.get("labelSelector", "")
        stream = self.disturb(plural)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        seen, told = int(request.query.get("resourceVersion", 0)), time.monotonic()
        dropped = asyncio.create_task(drop.wait())
        with contextlib.suppress(ConnectionError):
            while not drop.is_set():
                if seen < self.objects.oldest:
                    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
                    await _line(response, "ERROR", gone)
                    break
                horizon = self.horizon(plural)
                now = time.monotonic()
                for change in self._changes(plural, namespace, seen, horizon):
                    seen, told = change.version, now
                    for line in filter(None, [_event(change, selector)]):
                        await _lines(response, stream.take(line))
                if now - told > HOLD_SECONDS:
                    await _lines(response, stream.flush())
                if now - told > BOOKMARK_SECONDS:
                    told = now
                    seen = max(seen, self.objects.version if horizon is None else horizon)
                    await _line(response, "BOOKMARK", {"metadata": {"resourceVersion": str(seen)}})
                await self._next(plural, dropped)
        dropped.cancel()
        return response

    def _changes(self, plural: str, namespace: str | None, seen: int, horizon: int | None) -> list[Change]:
        last = self.objects.version if horizon is None else horizon
        return [
            change
            for change in self.objects.log
            if change.kind == plural
            and seen < change.version <= last
            and namespace in (None, change.object["metadata"]["namespace"])
        ]

    async def _next(self, plural: str, dropped: asyncio.Task[Any]) -> None:
        changed = asyncio.create_task(self.objects.changed(plural))
        await asyncio.wait((changed, dropped), timeout=_TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
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

    def _user(self, request: web.Request) -> str:
        """ "" when the token is not (any more) good."""
        token = request.headers.get("Authorization", "").partition(" ")[2]
        return token if self.tokens is None else self.tokens.get(token, "")

    def _call(self, request: web.Request, rest: list[str]) -> Call:
        return _call(request, rest, self._user(request))


def _call(request: web.Request, rest: list[str], user: str) -> Call:
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


def _status(code: int, reason: str, message: str, field: str = "") -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    body |= {"details": {"causes": [{"field": field}]}} if field else {}
    return web.json_response({**body, "message": message}, status=code)


def _fault(fault: Fault) -> web.Response:
    if fault.body is not None:
        return web.Response(status=fault.status, body=fault.body, content_type="application/json")
    answer = _status(fault.status, "Injected", f"injected fault {fault.status}")
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer


async def _half(request: web.Request) -> web.StreamResponse | None:
    """A body that ends too early."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"kind": "')
    return None


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _line(response: web.StreamResponse, kind: str, obj: Any) -> None:
    await response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")


async def _lines(response: web.StreamResponse, lines: Iterable[Line]) -> None:
    for line in lines:
        await _line(response, *line)


def _event(change: Change, selector: str) -> Line | None:
    """A watch with a selector sees an object that leaves it as deleted, and one that comes into it as added."""
    now, before = matches(selector, change.object), matches(selector, change.before)
    if change.type == "DELETED":
        kind = "DELETED" if now else None
    else:
        kind = {(True, False): "ADDED", (True, True): "MODIFIED", (False, True): "DELETED"}.get((now, before))
    return None if kind is None else (kind, change.object)
