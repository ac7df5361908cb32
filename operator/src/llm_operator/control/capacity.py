"""Counts what is free in the cluster before strategy Auto starts a second Ray cluster, where the administrator allows it.

Asked when a change is about to start, and again while it waits; nothing is watched, and no node or pod is kept: nodes and pods are
read a page at a time, by one reconcile at a time.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from llm_operator.api import names
from llm_operator.capacity.room import Room
from llm_operator.capacity.shapes import Shape, priority_class, shapes
from llm_operator.capacity.tally import Tally
from llm_operator.kube.client import Cluster
from llm_operator.kube.errors import ApiError, Forbidden
from llm_operator.kube.resources import ALL_PODS, NODES
from llm_operator.plan.inputs import Scope
from llm_operator.rollout.clock import until
from llm_operator.status.observed import observe

PAGE_SIZE: Final = 100
"""Objects in memory at once. A node has tens of KiB: it lists its images."""
STANDS_SECONDS: Final = 30.0
"""A finding that there is no room is not looked for again within so long: what happens to a change that waits costs no lists."""
_RUNNING: Final = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"
_CLUSTER_LABEL: Final = "ray.io/cluster"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    shapes: tuple[Shape, ...]
    at: str
    room: Room


class FreeCapacity:
    """One per reconciler."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._one_at_a_time = cluster, asyncio.Lock()
        self._full: dict[tuple[str, str], _Found] = {}
        """Of the changes that wait for room."""

    async def look(self, scope: Scope, config: Mapping[str, Any]) -> Scope:
        """The scope with the room for this rayClusterConfig, unknown when the API server does not say. Raises nothing."""
        key, wanted = (scope.namespace, scope.name), shapes(config)
        before = self._full.get(key)
        if before is not None and before.shapes == wanted and _seconds(before.at, scope.now) < STANDS_SECONDS:
            return replace(scope, room=before.room)
        async with self._one_at_a_time:
            try:
                found = await count(self._cluster, scope, config)
            except ApiError as error:
                _logger.warning("free capacity is not counted: %s", error)
                waiting = before is not None and not isinstance(error, Forbidden)
                return replace(scope, room=before.room if waiting and before else Room(known=False, unknown=str(error)))
        self.forget(key)
        if found.lacking:
            self._full[key] = _Found(wanted, scope.now, found)
        return replace(scope, room=found)

    def forget(self, key: tuple[str, str]) -> None:
        """The LLMDeployment is gone, or its change waits no longer."""
        self._full.pop(key, None)


def _seconds(one: str, other: str) -> float:
    """Between two times; the clock may have been set back."""
    return max(until(one, other), until(other, one))


async def count(cluster: Cluster, scope: Scope, config: Mapping[str, Any]) -> Room:
    """The room for this rayClusterConfig beside what runs. Raises ApiError."""
    serving = observe(scope.child).active_cluster

    def leaving(pod: Mapping[str, Any]) -> bool:
        """Of a Ray cluster of ours that was replaced."""
        labels = pod["metadata"].get("labels") or {}
        ours = (pod["metadata"].get("namespace"), labels.get(names.DEPLOYMENT_LABEL)) == (scope.namespace, scope.name)
        return ours and labels.get(_CLUSTER_LABEL) != serving

    tally = Tally(shapes(config), priority_class(config), leaving)
    async for nodes in cluster.list_pages(NODES, fields="", limit=PAGE_SIZE):
        for node in nodes:
            tally.node(node)
    async for pods in cluster.list_pages(ALL_PODS, fields=_RUNNING, limit=PAGE_SIZE):
        for pod in pods:
            tally.pod(pod)
    return tally.room()
