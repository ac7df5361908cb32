"""The last seen objects of the watched kinds, trimmed, by (namespace, name). Memory only; the API server is the truth."""

import json
import sys
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, overload

from llm_operator.api import names

Key: TypeAlias = tuple[str, str]
"""(namespace, name)."""

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_LEVEL: Final = 6
_WINDOW: Final = 32_768
"""Bytes that zlib looks back, and so the most that a dictionary can be."""
_UNIQUE: Final = 200
"""Bytes of an object that no dictionary can know (names, uids, versions, times); a 32nd of its size may come on top."""


def trim(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without what nobody reads here and what is often the largest part: managedFields and kubectl's copy."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    annotations = metadata.get("annotations")
    if annotations and _LAST_APPLIED in annotations:
        metadata["annotations"] = {key: value for key, value in annotations.items() if key != _LAST_APPLIED}
    return {**obj, "metadata": metadata}


def key_of(obj: Mapping[str, Any]) -> Key:
    """(namespace, name) of an object."""
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def parent_of(obj: Mapping[str, Any]) -> Key | None:
    """The LLMDeployment of a child, by label; None if it has none."""
    metadata = obj["metadata"]
    name = (metadata.get("labels") or {}).get(names.DEPLOYMENT_LABEL)
    return (metadata["namespace"], name) if name else None


@dataclass(slots=True)
class _Kept:
    """One object: what the store itself asks for, and all of it as compressed JSON."""

    uid: str
    version: int | str
    generation: int
    parent: Key | None
    packed: bytes
    """The number of the dictionary, and what zlib made with it."""


class Store:
    """One kind. Objects come from watches and from the answers to our own writes, in any order.

    Objects are kept compressed, since most of them are read once an hour: as Python objects, ten thousand LLMDeployments with
    their children take a gigabyte. The first object is the dictionary of the compression, so that the next ones cost little
    more than what differs; those that are unlike it (the first that serves, another kind of pod) are added while there is room.
    Whoever asks gets a fresh copy.
    """

    def __init__(self) -> None:
        self._objects: dict[Key, _Kept] = {}
        self._by_parent: dict[Key, tuple[Key, ...]] = {}
        self._dictionaries: list[bytes] = []

    def get(self, key: Key) -> dict[str, Any] | None:
        """The object, or None."""
        kept = self._objects.get(key)
        return self._unpack(kept) if kept is not None else None

    def children(self, parent: Key) -> tuple[dict[str, Any], ...]:
        """Objects that carry the label of this LLMDeployment, ordered by name."""
        return tuple(self._unpack(self._objects[key]) for key in self._by_parent.get(parent, ()))

    def put(self, obj: Mapping[str, Any]) -> bool:
        """Keeps the object unless a newer one is here. True if it changed something: the echo of an own write does not."""
        key = _interned(key_of(obj))
        old = self._objects.get(key)
        if old is not None and not _is_newer(obj, old):
            return False
        parent = _interned(parent_of(obj))
        if old is None or old.parent != parent:
            self._unlink(key)
            if parent is not None:
                self._by_parent[parent] = tuple(sorted((*self._by_parent.get(parent, ()), key)))
        metadata = obj["metadata"]
        self._objects[key] = _Kept(
            metadata.get("uid", ""), _version(metadata), metadata.get("generation", 0), parent, self._pack(trim(obj))
        )
        return True

    def discard(self, obj: Mapping[str, Any]) -> bool:
        """Forgets the object, unless a namesake that was created later is here. True if it was here."""
        key = key_of(obj)
        old = self._objects.get(key)
        if old is None:
            return False
        if old.uid != obj["metadata"].get("uid", "") and not _is_newer(obj, old):
            return False
        self._unlink(key)
        del self._objects[key]
        return True

    def uids(self) -> dict[Key, str]:
        """Identity of each object that is here now."""
        return {key: kept.uid for key, kept in self._objects.items()}

    def parent(self, key: Key) -> Key | None:
        """The LLMDeployment of that object by its label; None without one, or without such an object."""
        kept = self._objects.get(key)
        return kept.parent if kept is not None else None

    def parents(self) -> list[tuple[Key, Key | None]]:
        """Each object and its LLMDeployment by label."""
        return [(key, kept.parent) for key, kept in self._objects.items()]

    def lacks(self, key: Key, uid: str, version: str) -> bool:
        """Whether an object that a list named is not here in that version or a later one."""
        old = self._objects.get(key)
        if old is None or (old.uid != uid and not version.isdigit()):
            return True
        return version.isdigit() and _is_newer({"metadata": {"uid": uid, "resourceVersion": version}}, old)

    def prune(self, before: Mapping[Key, str], alive: Iterable[str]) -> list[dict[str, Any]]:
        """Forgets and returns what was here `before` a complete list was taken and has no uid in it; what came or was
        re-created meanwhile stays."""
        living = set(alive)
        ghosts = [
            self._unpack(kept)
            for key, uid in before.items()
            if uid not in living and (kept := self._objects.get(key)) is not None and kept.uid == uid
        ]
        for ghost in ghosts:
            self.discard(ghost)
        return ghosts

    def packed_bytes(self) -> int:
        """Size of all objects as they are kept, without what Python adds."""
        return sum(len(kept.packed) for kept in self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def _pack(self, obj: Mapping[str, Any]) -> bytes:
        encoded = json.dumps(obj, separators=(",", ":")).encode()
        known = self._dictionaries[-1] if self._dictionaries else b""
        packed = self._packed(encoded) if known else b""
        if not packed or (len(packed) > _UNIQUE + len(encoded) // 32 and len(known) + len(encoded) <= _WINDOW):
            self._dictionaries.append((known + encoded)[-_WINDOW:])
            packed = self._packed(encoded)
        return packed

    def _packed(self, encoded: bytes) -> bytes:
        packer = zlib.compressobj(_LEVEL, zdict=self._dictionaries[-1])
        return bytes((len(self._dictionaries) - 1,)) + packer.compress(encoded) + packer.flush()

    def _unpack(self, kept: _Kept) -> dict[str, Any]:
        unpacker = zlib.decompressobj(zdict=self._dictionaries[kept.packed[0]])
        obj: dict[str, Any] = json.loads(unpacker.decompress(kept.packed[1:]))
        return obj

    def _unlink(self, key: Key) -> None:
        parent = self.parent(key)
        if parent is not None:
            self._by_parent[parent] = tuple(other for other in self._by_parent[parent] if other != key)
            if not self._by_parent[parent]:
                del self._by_parent[parent]


@overload
def _interned(key: Key) -> Key: ...
@overload
def _interned(key: Key | None) -> Key | None: ...
def _interned(key: Key | None) -> Key | None:
    """One string per name, however many objects and stores have it."""
    return (sys.intern(key[0]), sys.intern(key[1])) if key is not None else None


def _version(metadata: Mapping[str, Any]) -> int | str:
    version = metadata.get("resourceVersion", "")
    return int(version) if version.isdigit() else version


def _is_newer(new: Mapping[str, Any], old: _Kept) -> bool:
    """By resourceVersion (a growing number per kind in every API server on etcd), else by generation of the same uid."""
    version = _version(new["metadata"])
    if isinstance(version, int) and isinstance(old.version, int):
        return version > old.version
    if new["metadata"].get("uid", "") != old.uid:
        return True
    return bool(new["metadata"].get("generation", 0) >= old.generation)
