"""The Kubernetes API of the fake cluster: discovery, lists, watches, writes; and what is counted on the way."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import jsonpatch
from scale.fake.http import Connection, Request
from scale.fake.store import Address, Change, Refused, Store, Stored, encode, matches

BOOKMARK_SECONDS: Final = 5.0
KINDS: Final = {
    "llm-operator.io/v1alpha1": {"llmdeployments": "LLMDeployment"},
    "ray.io/v1": {"rayservices": "RayService", "rayclusters": "RayCluster"},
    "coordination.k8s.io/v1": {"leases": "Lease"},
    "events.k8s.io/v1": {"events": "Event"},
    "apps/v1": {"controllerrevisions": "ControllerRevision"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "kopf.dev/v1": {"clusterkopfpeerings": "ClusterKopfPeering"},
    "apiextensions.k8s.io/v1": {"customresourcedefinitions": "CustomResourceDefinition"},
    # kopf waits until discovery names namespaces and CRDs, although it never reads them here.
    "v1": {"pods": "Pod", "namespaces": "Namespace", "services": "Service"},
}
CLUSTER_SCOPED: Final = frozenset({"clusterkopfpeerings", "customresourcedefinitions", "namespaces"})
_VERBS: Final = {"POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch", "GET": "get"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request in RBAC's terms. `resource` has the subresource: llmdeployments/status."""

    user: str
    verb: str
    resource: str
    at: Address


@dataclass
class Counts:
    """What tests ask for. Keys: `user verb resource`, or `verb resource namespace/name` of single objects."""

    calls: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: Counter[str] = field(default_factory=Counter)
    idle_writes: Counter[str] = field(default_factory=Counter)
    """Writes that changed nothing, by `user verb resource`."""
    same_conditions: int = 0
    """Status writes of LLMDeployments that changed no condition's status or reason, nor the generation observed."""


class Api:
    """Answers requests. Writes take `latency` seconds, as a commit would; the rest is answered at once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.counts = Counts()
        self.latency = 0.0
        self.admin: Callable[[Request], Awaitable[Any]] | None = None
        self.on_write: Callable[[Call, Stored], None] = lambda *_: None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watches: dict[str, set[Callable[[Change], None]]] = {}
        store.listeners.append(self._tell)

    def _tell(self, plural: str, change: Change) -> None:
        for tell in tuple(self._watches.get(plural, ())):
            tell(change)

    def handle(self, connection: Connection, request: Request) -> None:
        """One request; its answer is sent now or after the latency."""
        parts = request.path.strip("/").split("/")
        if parts[0] == "_":
            task = asyncio.create_task(self._admin(connection, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        api, rest = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
        if not rest:
            connection.reply(*_discovery(parts, api))
            return
        call = _call(request, rest)
        self.counts.calls[f"{call.user} {call.verb} {call.resource}"] += 1
        if call.verb == "watch":
            self._watch(connection, request, call)
            return
        self._enter(call)
        answer = partial(self._answer, connection, request, call, api)
        if call.verb in ("get", "list") or not self.latency:
            answer()
        else:
            asyncio.get_running_loop().call_later(self.latency, answer)

    async def _admin(self, connection: Connection, request: Request) -> None:
        assert self.admin is not None
        try:
            connection.reply(200, encode(await self.admin(request)))
        except Exception as error:
            connection.reply(500, encode({"error": repr(error)}))
            raise

    def _enter(self, call: Call) -> None:
        counts = self.counts
        if call.resource != "leases":
            counts.in_flight[call.user] += 1
            counts.most_in_flight[call.user] = max(counts.most_in_flight[call.user], counts.in_flight[call.user])

    def _answer(self, connection: Connection, request: Request, call: Call, api: str) -> None:
        try:
            status, body = 200, self._do(request, call, api)
        except Refused as refused:
            status = refused.status
            failure = {"kind": "Status", "status": "Failure", "code": status, "reason": refused.reason}
            body = encode({**failure, "message": refused.message})
        if call.resource != "leases":
            self.counts.in_flight[call.user] -= 1
        connection.reply(status, body)

    def _do(self, request: Request, call: Call, api: str) -> bytes:
        if call.verb == "list":
            return self._list(request, call, api)
        if call.verb == "get":
            return self.store.need(call.at).encoded
        stored, changed = self._write(request, call)
        counts = self.counts
        counts.writes[f"{call.verb} {call.resource} {call.at.namespace}/{call.at.name}"] += 1
        if not changed:
            counts.idle_writes[f"{call.user} {call.verb} {call.resource}"] += 1
        if stored is None:
            return encode({"kind": "Status", "status": "Success"})
        self.on_write(call, stored)
        return stored.encoded

    def _write(self, request: Request, call: Call) -> tuple[Stored | None, bool]:
        body, store, at = request.json(), self.store, call.at
        status = call.resource.endswith("/status")
        if call.resource == "llmdeployments/status":
            self._look_at_conditions(at, body.get("status") or {})
        match call.verb:
            case "create":
                at = Address(at.plural, at.namespace, body["metadata"]["name"])
                return store.create(at.plural, body), True
            case "update":
                return store.replace(at, body), True
            case "delete":
                store.delete(at, (body.get("preconditions") or {}).get("uid"))
                return None, True
            case "apply":
                manager = request.query["fieldManager"]
                return store.set_status(at, body["status"], manager) if status else store.apply(at, body, manager)
            case _ if "json-patch" in request.headers["content-type"]:
                try:
                    patched = jsonpatch.apply_patch(json.loads(store.need(at).encoded), body)
                except jsonpatch.JsonPatchException as error:
                    raise Refused(422, "Invalid", str(error)) from error
                return store.replace(at, patched), True
            case _:
                return store.merge(at, body)

    def _look_at_conditions(self, at: Address, status: dict[str, Any]) -> None:
        live = self.store.get(at)
        if live is not None and _essence(live.part("status")) == _essence(status):
            self.counts.same_conditions += 1

    def _list(self, request: Request, call: Call, api: str) -> bytes:
        limit = int(request.query.get("limit", 0)) or self.store.count(call.at.plural) + 1
        selector, after = request.query.get("labelSelector", ""), request.query.get("continue", "")
        found, token = self.store.page(call.at.plural, call.at.namespace or None, selector, after, limit)
        metadata = {"resourceVersion": str(self.store.version), **({"continue": token} if token else {})}
        short = "PartialObjectMetadataList" in request.headers.get("accept", "")
        items = b",".join(b'{"metadata":%b}' % encode(one.metadata) if short else one.encoded for one in found)
        head = encode({"kind": KINDS[api][call.at.plural] + "List", "apiVersion": api, "metadata": metadata})
        return head[:-1] + b',"items":[' + items + b"]}"

    def _watch(self, connection: Connection, request: Request, call: Call) -> None:
        selector, since = request.query.get("labelSelector", ""), int(request.query.get("resourceVersion", 0))
        connection.begin_stream()
        log = self.store.logs[call.at.plural]
        if log and log[0].version > since + 1 and len(log) == log.maxlen:
            gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
            connection.send_line(encode({"type": "ERROR", "object": gone}))
            connection.end_stream()
            return

        def tell(change: Change) -> None:
            if call.at.namespace in ("", change.namespace) and matches(selector, change.labels):
                connection.send_line(change.line)

        def bookmark() -> None:
            version = {"metadata": {"resourceVersion": str(self.store.version)}}
            connection.send_line(encode({"type": "BOOKMARK", "object": version}))
            timer[0] = loop.call_later(BOOKMARK_SECONDS, bookmark)

        def end() -> None:
            self._watches[call.at.plural].discard(tell)
            timer[0].cancel()

        for change in log:
            if change.version > since:
                tell(change)
        loop = asyncio.get_running_loop()
        timer = [loop.call_later(BOOKMARK_SECONDS, bookmark)]
        self._watches.setdefault(call.at.plural, set()).add(tell)
        connection.on_close = end


def _essence(status: dict[str, Any]) -> tuple[Any, ...]:
    conditions = ((entry["type"], entry["status"], entry["reason"]) for entry in status.get("conditions") or ())
    return status.get("observedGeneration"), status.get("rayService"), sorted(conditions)


def _call(request: Request, rest: list[str]) -> Call:
    namespaced = rest[0] == "namespaces" and len(rest) > 2
    namespace, tail = (rest[1], rest[2:]) if namespaced else ("", rest)
    resource = tail[0] + (f"/{tail[2]}" if len(tail) > 2 else "")
    verb = _VERBS[request.method]
    if verb == "patch" and "apply-patch" in request.headers.get("content-type", ""):
        verb = "apply"
    if verb == "get" and len(tail) == 1:
        verb = "watch" if request.query.get("watch") else "list"
    return Call(request.user, verb, resource, Address(tail[0], namespace, tail[1] if len(tail) > 1 else ""))


def _discovery(parts: list[str], api: str) -> tuple[int, bytes]:
    if parts == ["api"]:
        return 200, encode({"versions": ["v1"]})
    if parts == ["apis"]:
        return 200, encode({"groups": [_group(*name.split("/")) for name in KINDS if "/" in name]})
    if api not in KINDS:
        return 404, encode({"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"})
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
    resources = [
        {"name": name, "kind": kind, "singularName": kind.lower(), "namespaced": plural not in CLUSTER_SCOPED,
         "verbs": verbs if name == plural else ["get", "patch", "update"]}
        for plural, kind in KINDS[api].items()
        for name in ((plural, f"{plural}/status") if plural in ("llmdeployments", "rayservices", "rayclusters", "pods") else (plural,))
    ]  # fmt: skip
    return 200, encode({"groupVersion": api, "resources": resources})


def _group(name: str, version: str) -> dict[str, Any]:
    entry = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [entry], "preferredVersion": entry}
