"""All stores together, what the API server serves, and the way from an event to the queue."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from llm_operator.control.queue import WorkQueue
from llm_operator.control.store import Key, Store, key_of, parent_of
from llm_operator.kube.client import Cluster
from llm_operator.kube.resources import LLMDEPLOYMENTS, OTHER_KINDS, PODS, RAYCLUSTERS, RAYSERVICES, WATCHED, Resource
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy, Scope
from llm_operator.probe.probes import Probes

_logger = logging.getLogger(__name__)
_RELIST_SECONDS = 5.0
_POLL_SECONDS = 0.05
_NAMED_AS_PARENT = (LLMDEPLOYMENTS, RAYSERVICES)


def typed(resource: Resource, obj: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the apiVersion and the kind that items of lists lack."""
    return {**obj, "apiVersion": resource.api_version, "kind": resource.kind}


class Caches:
    """One event loop's view of the cluster. `served` are the kinds that the API server knows and that are watched."""

    def __init__(self, queue: WorkQueue, policy: Policy = DEFAULT_POLICY) -> None:
        self._queue = queue
        self._policy = policy
        self._stores = {resource: Store() for resource in WATCHED}
        self.served: frozenset[Resource] = frozenset()
        self.probes: Probes | None = None
        """What running models answer; None where nobody asks."""
        self.warm = asyncio.Event()
        """Set when the stores hold everything that there was; no key may be reconciled before."""

    def of(self, resource: Resource) -> Store:
        """The store of one kind."""
        return self._stores[resource]

    @property
    def parents(self) -> Store:
        """The LLMDeployments."""
        return self._stores[LLMDEPLOYMENTS]

    def observe(self, resource: Resource, obj: Mapping[str, Any], *, deleted: bool) -> None:
        """Takes one watch event in, and asks for the object's LLMDeployment if something changed."""
        store = self._stores[resource]
        before = store.parent(key_of(obj))
        if not (store.discard(obj) if deleted else store.put(obj)):
            return
        # A changed label moves a child from one parent to another: both want to know.
        for key in (self.parent_key(resource, obj), before):
            if key is not None:
                self._queue.add(key)

    def parent_key(self, resource: Resource, obj: Mapping[str, Any]) -> Key | None:
        """The LLMDeployment that an object belongs to. A RayService has its name, even without our labels."""
        return key_of(obj) if resource in _NAMED_AS_PARENT else parent_of(obj)

    def ask(self, key: Key) -> None:
        """Asks for one LLMDeployment."""
        self._queue.add(key)

    def add_all(self) -> None:
        """Asks for every LLMDeployment, and for the parents of children without one here."""
        for resource, store in self._stores.items():
            for key, parent in store.parents():
                asked = key if resource in _NAMED_AS_PARENT else parent
                if asked is not None:
                    self._queue.add(asked)

    def scope(self, key: Key, *, now: str) -> Scope | None:
        """What there is of one LLMDeployment; None if it is gone or being deleted (then the GC removes its children)."""
        parent = self.parents.get(key)
        if parent is None or "deletionTimestamp" in parent["metadata"]:
            return None
        return Scope(
            parent=parent,
            now=now,
            child=self.of(RAYSERVICES).get(key),
            clusters=self.of(RAYCLUSTERS).children(key),
            pods=self.of(PODS).children(key),
            others=tuple(typed(kind, obj) for kind in OTHER_KINDS for obj in self.of(kind).children(key)),
            kuberay_installed=RAYSERVICES in self.served,
            policy=self._policy,
            probes=self.probes.results(key) if self.probes is not None else None,
            stalls=self.probes.stalls(key) if self.probes is not None else (),
        )

    def pods(self, key: Key) -> tuple[Mapping[str, Any], ...]:
        """The Ray pods of one LLMDeployment."""
        return self.of(PODS).children(key)

    async def wait_warm(self, cluster: Cluster) -> None:
        """Returns when every served kind's store holds what a LIST of names says is there. Raises ApiError."""
        loop = asyncio.get_running_loop()
        for resource in sorted(self.served, key=lambda kind: kind.plural):
            missing: set[str] | None = None
            while missing is None or missing:
                missing = {key.uid async for key in cluster.list_keys(resource)}
                relist_at = loop.time() + _RELIST_SECONDS
                while missing and loop.time() < relist_at:
                    missing -= set(self._stores[resource].uids().values())
                    await asyncio.sleep(_POLL_SECONDS if missing else 0)
            _logger.info("cache of %s is warm: %d objects", resource.plural, len(self._stores[resource]))
