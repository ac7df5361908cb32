"""The objects of the fake cluster, kept as encoded JSON, and the log that watches read.

Simplified on purpose: one writer owns the spec and one the status, an apply replaces what it owns as a whole, no schemas.
What is real: resource versions, generations, uids, managedFields, owner references, server-side selectors.
"""

import bisect
import json
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Object: TypeAlias = dict[str, Any]
LOG_SIZE: Final = 50_000
"""Changes per kind that a watch can still ask for; older ones get 410."""


class Refused(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


@dataclass(frozen=True, slots=True)
class Address:
    """One object; `namespace` is empty for cluster-scoped kinds."""

    plural: str
    namespace: str
    name: str


@dataclass(slots=True)
class Stored:
    """One object. `parts` are its top-level fields besides metadata, encoded."""

    api_version: str
    kind: str
    metadata: Object
    parts: dict[str, bytes] = field(default_factory=dict)

    @property
    def encoded(self) -> bytes:
        """The whole object."""
        head = f'{{"apiVersion":"{self.api_version}","kind":"{self.kind}","metadata":'.encode()
        parts = b"".join(b',"%b":%b' % (name.encode(), value) for name, value in self.parts.items())
        return head + encode(self.metadata) + parts + b"}"

    def part(self, name: str) -> Any:
        """One top-level field, decoded; {} when it is absent."""
        return json.loads(self.parts.get(name, b"{}"))


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log: the object as it was then, and its labels."""

    version: int
    type: str
    namespace: str
    labels: dict[str, str]
    encoded: bytes

    @property
    def line(self) -> bytes:
        """As in a watch."""
        return b'{"type":"%b","object":%b}' % (self.type.encode(), self.encoded)


def encode(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def matches(selector: str, labels: dict[str, str]) -> bool:
    """Equality selectors only: `a=b,c=d`."""
    pairs = (part.partition("=") for part in selector.split(",") if part)
    return all(labels.get(key) == value for key, _, value in pairs)


def _fields(value: Any) -> Object:
    if not isinstance(value, dict):
        return {}
    return {f"f:{key}": _fields(item) for key, item in value.items()}


def _managed(manager: str, body: Object) -> Object:
    """An entry as the real server's: a tree with a key per field, lists as one."""
    fields = {f"f:{key}": _fields(body[key]) for key in ("metadata", "spec", "status") if key in body}
    return {"manager": manager, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields}


class Store:
    """All objects. Every change gets the next resource version and is told to `listeners`."""

    def __init__(self) -> None:
        self.version = 100
        self.logs: dict[str, deque[Change]] = defaultdict(lambda: deque(maxlen=LOG_SIZE))
        self.listeners: list[Callable[[str, Change], None]] = []
        self._all: dict[str, dict[tuple[str, str], Stored]] = defaultdict(dict)
        self._order: dict[str, list[tuple[str, str]]] = {}
        self._owned: dict[str, set[Address]] = defaultdict(set)

    def get(self, at: Address) -> Stored | None:
        """The object, or None."""
        return self._all[at.plural].get((at.namespace, at.name))

    def need(self, at: Address) -> Stored:
        """The object; raises Refused (404)."""
        found = self.get(at)
        if found is None:
            raise Refused(404, "NotFound", f'{at.plural} "{at.name}" not found')
        return found

    def count(self, plural: str) -> int:
        """How many there are."""
        return len(self._all[plural])

    def page(
        self, plural: str, namespace: str | None, selector: str, after: str, limit: int
    ) -> tuple[list[Stored], str]:
        """Objects in order behind the token `after`, and the token of the next page ("" at the end)."""
        order = self._order.get(plural)
        if order is None:
            order = self._order[plural] = sorted(self._all[plural])
        start = bisect.bisect_right(order, tuple(after.split("/"))) if after else 0
        found: list[Stored] = []
        for key in order[start:]:
            stored = self._all[plural][key]
            if namespace in (None, key[0]) and matches(selector, stored.metadata.get("labels") or {}):
                if len(found) == limit:
                    last = found[-1].metadata
                    return found, f"{last.get('namespace', '')}/{last['name']}"
                found.append(stored)
        return found, ""

    def each(self, plural: str) -> Iterator[tuple[Address, Stored]]:
        """A snapshot."""
        return iter([(Address(plural, *key), stored) for key, stored in self._all[plural].items()])

    def create(self, plural: str, body: Object) -> Stored:
        """As a POST."""
        metadata = dict(body["metadata"])
        at = Address(plural, metadata.get("namespace", ""), metadata["name"])
        if self.get(at) is not None:
            raise Refused(409, "AlreadyExists", f'{plural} "{at.name}" already exists')
        metadata |= {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
        stored = Stored(body.get("apiVersion", ""), body.get("kind", ""), metadata)
        stored.parts = {
            key: encode(value) for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")
        }
        for owner in metadata.get("ownerReferences") or ():
            self._owned[owner["uid"]].add(at)
        self._all[plural][at.namespace, at.name] = stored
        self._order.pop(plural, None)
        self._note(at, "ADDED", stored)
        return stored

    def apply(self, at: Address, body: Object, manager: str) -> tuple[Stored, bool]:
        """Server-side apply of everything but the status; whether it changed something."""
        live = self.get(at)
        managed, uid = _managed(manager, body), body["metadata"].get("uid")
        if live is None and uid:
            raise Refused(409, "Conflict", "uid mismatch: no existing object was found")
        if live is None:
            metadata = {**body["metadata"], "managedFields": [managed]}
            return self.create(at.plural, {**body, "metadata": metadata}), True
        if uid and uid != live.metadata["uid"]:
            raise Refused(422, "Invalid", "metadata.uid: field is immutable")
        meta = {key: body["metadata"].get(key) for key in ("labels", "annotations", "ownerReferences")}
        meta = {key: value for key, value in meta.items() if value is not None}
        fresh = {key: encode(value) for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")}
        edited = any(live.parts.get(key) != value for key, value in fresh.items())
        if not edited and all(live.metadata.get(key) == value for key, value in meta.items()):
            return live, False
        live.metadata |= meta
        live.metadata["managedFields"] = [managed, *live.metadata.get("managedFields", ())[1:]]
        live.metadata["generation"] += edited
        live.parts |= fresh
        self._note(at, "MODIFIED", live)
        return live, True

    def set_status(self, at: Address, status: Any, manager: str) -> tuple[Stored, bool]:
        """The whole status, which raises no generation; whether it changed something."""
        live = self.need(at)
        encoded = encode(status)
        if live.parts.get("status") == encoded:
            return live, False
        live.parts["status"] = encoded
        managed = list(live.metadata.get("managedFields", ()))[:1] or [{"manager": "creator"}]
        live.metadata["managedFields"] = [*managed, _managed(manager, {"status": status})]
        self._note(at, "MODIFIED", live)
        return live, True

    def merge(self, at: Address, patch: Object) -> tuple[Stored, bool]:
        """RFC 7386; whether it changed something."""
        live = self.need(at)
        before = live.encoded
        for key, value in patch.items():
            if key == "metadata":
                live.metadata = _merged(live.metadata, value)
            else:
                merged = encode(_merged(live.part(key), value))
                live.metadata["generation"] += key == "spec" and merged != live.parts.get("spec")
                live.parts[key] = merged
        if changed := live.encoded != before:
            self._note(at, "MODIFIED", live)
        return live, changed

    def replace(self, at: Address, body: Object) -> Stored:
        """As a PUT: compare-and-swap when the body has a resourceVersion."""
        live = self.need(at)
        version = body["metadata"].get("resourceVersion")
        if version and version != live.metadata["resourceVersion"]:
            raise Refused(409, "Conflict", "the object has been modified")
        fresh = {key: encode(value) for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")}
        live.metadata["generation"] += fresh.get("spec") != live.parts.get("spec")
        live.parts = fresh
        self._note(at, "MODIFIED", live)
        return live

    def delete(self, at: Address, uid: str | None = None) -> None:
        """With everything that it owns."""
        live = self.need(at)
        if uid and uid != live.metadata["uid"]:
            raise Refused(409, "Conflict", "Precondition failed: UID")
        del self._all[at.plural][at.namespace, at.name]
        self._order.pop(at.plural, None)
        self._note(at, "DELETED", live)
        for other in self._owned.pop(live.metadata["uid"], ()):
            if self.get(other) is not None:
                self.delete(other)

    def _note(self, at: Address, kind: str, stored: Stored) -> None:
        self.version += 1
        stored.metadata["resourceVersion"] = str(self.version)
        change = Change(self.version, kind, at.namespace, stored.metadata.get("labels") or {}, stored.encoded)
        self.logs[at.plural].append(change)
        for listener in self.listeners:
            listener(at.plural, change)


def _merged(live: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
