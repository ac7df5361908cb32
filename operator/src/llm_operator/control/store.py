"""The last seen objects of the watched kinds, trimmed, by (namespace, name). Memory only; the API server is the truth."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from llm_operator.api import names

Key: TypeAlias = tuple[str, str]
"""(namespace, name)."""

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


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


class Store:
    """One kind. Objects come from watches and from the answers to our own writes, in any order."""

    def __init__(self) -> None:
        self._objects: dict[Key, dict[str, Any]] = {}
        self._by_parent: dict[Key, set[Key]] = defaultdict(set)

    def get(self, key: Key) -> dict[str, Any] | None:
        """The object, or None."""
        return self._objects.get(key)

    def children(self, parent: Key) -> tuple[dict[str, Any], ...]:
        """Objects that carry the label of this LLMDeployment, ordered by name."""
        return tuple(self._objects[key] for key in sorted(self._by_parent.get(parent, ())))

    def put(self, obj: Mapping[str, Any]) -> bool:
        """Keeps the object unless a newer one is here. True if it changed something: the echo of an own write does not."""
        key = key_of(obj)
        old = self._objects.get(key)
        if old is not None and not _is_newer(obj, old):
            return False
        self._unlink(key)
        self._objects[key] = trim(obj)
        if (parent := parent_of(obj)) is not None:
            self._by_parent[parent].add(key)
        return True

    def discard(self, obj: Mapping[str, Any]) -> bool:
        """Forgets the object, unless a namesake that was created later is here. True if it was here."""
        key = key_of(obj)
        old = self._objects.get(key)
        if old is None:
            return False
        if old["metadata"].get("uid") != obj["metadata"].get("uid") and not _is_newer(obj, old):
            return False
        self._unlink(key)
        del self._objects[key]
        return True

    def uids(self) -> dict[Key, str]:
        """Identity of each object that is here now."""
        return {key: obj["metadata"].get("uid", "") for key, obj in self._objects.items()}

    def prune(self, before: Mapping[Key, str], alive: Iterable[str]) -> list[dict[str, Any]]:
        """Forgets and returns what was here `before` a complete list was taken and has no uid in it; what came or was
        re-created meanwhile stays."""
        living = set(alive)
        ghosts = [
            obj
            for key, uid in before.items()
            if uid not in living
            and (obj := self._objects.get(key)) is not None
            and obj["metadata"].get("uid", "") == uid
        ]
        for ghost in ghosts:
            self.discard(ghost)
        return ghosts

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(list(self._objects.values()))

    def _unlink(self, key: Key) -> None:
        old = self._objects.get(key)
        parent = parent_of(old) if old is not None else None
        if parent is not None:
            self._by_parent[parent].discard(key)
            if not self._by_parent[parent]:
                del self._by_parent[parent]


def _is_newer(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """By resourceVersion (a growing number per kind in every API server on etcd), else by generation of the same uid."""
    versions = (new["metadata"].get("resourceVersion", ""), old["metadata"].get("resourceVersion", ""))
    if all(version.isdigit() for version in versions):
        return int(versions[0]) > int(versions[1])
    if new["metadata"].get("uid") != old["metadata"].get("uid"):
        return True
    return bool(new["metadata"].get("generation", 0) >= old["metadata"].get("generation", 0))
