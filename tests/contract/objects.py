"""The fake API server's memory: resource versions, generations, server-side apply, owner references, a log of changes.

Simplified on purpose: one field manager owns what it applied last; lists are replaced as a whole; no schemas.
"""

import asyncio
import copy
import json
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jsonpatch

Object = dict[str, Any]
_COLLECTS_SECONDS = 0.2
_UIDS = uuid.UUID("6f1c6d1e-5d5b-4f0e-9d55-2f5c7a9b4c10")


class Refused(Exception):
    """An answer that is not 2xx. `field`: which one is wrong, if it is one."""

    def __init__(self, status: int, reason: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.field = status, reason, message, field


@dataclass(frozen=True)
class Change:
    """One entry of the log that watches read."""

    version: int
    kind: str
    type: str
    object: Object
    before: Object | None
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Address:
    """One object."""

    plural: str
    namespace: str
    name: str


def matches(selector: str, obj: Object | None) -> bool:
    """Equality selectors only: `a=b,c=d`."""
    labels = ((obj or {}).get("metadata") or {}).get("labels") or {}
    pairs = [part.partition("=")[::2] for part in selector.split(",") if part]
    return obj is not None and all(labels.get(key) == value for key, value in pairs)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path, value


def _remove(obj: Any, path: tuple[str, ...]) -> None:
    for key in path[:-1]:
        obj = obj.get(key) if isinstance(obj, dict) else None
    if isinstance(obj, dict):
        obj.pop(path[-1], None)


def _set(obj: Any, path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(obj.get(key), dict):
            obj[key] = {}
        obj = obj[key]
    obj[path[-1]] = copy.deepcopy(value)


class Objects:
    """All objects of the cluster. Every change gets the next resource version and wakes the watches."""

    def __init__(self) -> None:
        self.version = 100
        self.oldest = 0
        """Changes up to this version are forgotten: a watch that starts there gets 410."""
        self.log: list[Change] = []
        self._all: dict[Address, Object] = {}
        self._owned: dict[tuple[Address, bool], set[tuple[str, ...]]] = defaultdict(set)
        self._incarnations: Counter[Address] = Counter()
        self._changed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def get(self, address: Address) -> Object | None:
        """A copy, or None."""
        return copy.deepcopy(self._all.get(address))

    def select(
        self, plural: str, namespace: str | None = None, selector: str = "", *, version: int | None = None
    ) -> list[Object]:
        """Copies, ordered by namespace and name. `version`: as they were then (not before the log begins)."""
        objects = self._all if version is None else self._at(version)
        found = [
            (at.namespace, at.name, obj)
            for at, obj in objects.items()
            if at.plural == plural and namespace in (None, at.namespace) and (not selector or matches(selector, obj))
        ]
        return [copy.deepcopy(obj) for _, _, obj in sorted(found, key=lambda entry: entry[:2])]

    def plurals(self) -> set[str]:
        """Kinds of which there is an object."""
        return {address.plural for address in self._all}

    async def changed(self, plural: str) -> None:
        """Returns at the next change of that kind."""
        await self._changed[plural].wait()

    def wake(self) -> None:
        """As if every kind had changed."""
        for plural in list(self._changed):
            self._changed.pop(plural).set()

    def create(self, plural: str, obj: Object) -> Object:
        """As a POST."""
        address = Address(plural, obj["metadata"]["namespace"], obj["metadata"]["name"])
        if address in self._all:
            raise Refused(409, "AlreadyExists", f'{plural} "{address.name}" already exists')
        made = copy.deepcopy(obj)
        self._incarnations[address] += 1
        # The same in every run, and another one for each life of a name.
        uid = str(uuid.uuid5(_UIDS, f"{plural} {address.namespace} {address.name} {self._incarnations[address]}"))
        made["metadata"] |= {"uid": uid, "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
        return self._store(address, made)

    def replace(self, plural: str, obj: Object) -> Object:
        """As a PUT: compare-and-swap when the object has a resourceVersion."""
        address = Address(plural, obj["metadata"]["namespace"], obj["metadata"]["name"])
        live = self._need(address)
        wanted = obj["metadata"].get("resourceVersion")
        if wanted and wanted != live["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", "the object has been modified")
        return self._store(address, copy.deepcopy(obj))

    def apply(self, address: Address, body: Object, *, status: bool) -> Object:
        """Server-side apply: sets what is given, removes what the manager gave last time and not now."""
        live, uid = self._all.get(address), body["metadata"].get("uid")
        if live is None:
            if status:
                raise Refused(404, "NotFound", f'{address.plural} "{address.name}" not found')
            if uid:
                raise Refused(409, "Conflict", "uid mismatch: no existing object was found")
            return self._own(address, body, self._made(address, body), status=False)
        if not status and uid and uid != live["metadata"]["uid"]:  # on /status the real one does not look
            raise Refused(422, "Invalid", "metadata.uid: field is immutable", field="metadata.uid")
        version = body["metadata"].get("resourceVersion")
        if version and version != live["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", "the object has been modified")
        body = {**body, "metadata": {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}}
        return self._own(address, body, self._store(address, self._merged(address, body, live, status)), status=status)

    def _made(self, address: Address, body: Object) -> Object:
        """Somebody who is late may make it for an owner that is gone: the garbage collector takes it away soon."""
        made = self.create(address.plural, body)
        if self._orphaned(made):
            asyncio.get_running_loop().call_later(_COLLECTS_SECONDS, self._collect, address)
        return made

    def _orphaned(self, obj: Object | None) -> bool:
        owners = {owner["uid"] for owner in ((obj or {}).get("metadata") or {}).get("ownerReferences") or ()}
        return bool(owners) and not owners & {live["metadata"]["uid"] for live in self._all.values()}

    def _collect(self, address: Address) -> None:
        if self._orphaned(self._all.get(address)):
            self.delete(address)

    def json_patch(self, address: Address, operations: list[Any]) -> Object:
        """RFC 6902."""
        try:
            patched = jsonpatch.apply_patch(self._need(address), operations)
        except jsonpatch.JsonPatchException as error:
            raise Refused(422, "Invalid", str(error)) from error
        return self._store(address, patched)

    def merge_patch(self, address: Address, patch: Object) -> Object:
        """RFC 7386, as far as tests need it."""
        live = copy.deepcopy(self._need(address))
        for path, value in _leaves(patch):
            if value is None:
                _remove(live, path)
            else:
                _set(live, path, value)
        return self._store(address, live)

    def set_status(self, plural: str, namespace: str, name: str, status: Object) -> Object:
        """What the owner of the status (KubeRay) writes; the generation stays."""
        address = Address(plural, namespace, name)
        return self._store(address, {**copy.deepcopy(self._need(address)), "status": status})

    def delete(self, address: Address, uid: str | None = None) -> None:
        """With everything that it owns."""
        live = self._need(address)
        if uid and uid != live["metadata"]["uid"]:
            raise Refused(409, "Conflict", "Precondition failed: UID")
        del self._all[address]
        for key in [key for key in self._owned if key[0] == address]:
            del self._owned[key]
        self._note(address, "DELETED", live, live)
        for other, obj in list(self._all.items()):
            owners = obj["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == live["metadata"]["uid"] for owner in owners) and other in self._all:
                self.delete(other)

    def compact(self) -> None:
        """Watches cannot begin before now any more."""
        self.oldest = self.version

    def _at(self, version: int) -> dict[Address, Object]:
        found: dict[Address, Object] = {}
        for change in self.log:
            if change.version > version:
                break
            address = Address(change.kind, change.object["metadata"]["namespace"], change.object["metadata"]["name"])
            if change.type == "DELETED":
                found.pop(address, None)
            else:
                found[address] = change.object
        return found

    def _need(self, address: Address) -> Object:
        if address not in self._all:
            raise Refused(404, "NotFound", f'{address.plural} "{address.name}" not found')
        return self._all[address]

    def _merged(self, address: Address, body: Object, live: Object, status: bool) -> Object:
        part = {"status": body.get("status", {})} if status else {k: v for k, v in body.items() if k != "status"}
        wanted = dict(_leaves(part))
        merged = copy.deepcopy(live)
        for path in self._owned[address, status] - wanted.keys():
            _remove(merged, path)
        for path, value in wanted.items():
            _set(merged, path, value)
        return merged

    def _own(self, address: Address, body: Object, made: Object, *, status: bool) -> Object:
        part = {"status": body.get("status", {})} if status else body
        self._owned[address, status] = {path for path, _ in _leaves(part) if path[-1] != "uid"}
        return made

    def _store(self, address: Address, obj: Object) -> Object:
        before = self._all.get(address)
        if before is not None and json.dumps(before, sort_keys=True) == json.dumps(obj, sort_keys=True):
            return copy.deepcopy(before)
        if before is not None and before.get("spec") != obj.get("spec"):
            obj["metadata"]["generation"] = before["metadata"]["generation"] + 1
        self._all[address] = obj
        self._note(address, "ADDED" if before is None else "MODIFIED", obj, before)
        return copy.deepcopy(obj)

    def _note(self, address: Address, kind: str, obj: Object, before: Object | None) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.log.append(Change(self.version, address.plural, kind, copy.deepcopy(obj), copy.deepcopy(before)))
        self._changed.pop(address.plural, asyncio.Event()).set()
