"""Asks the API server before anything is done, since a cache may be behind or blind.

A replica that has just become the leader, or one whose API server restarted from an old cache, may know an older spec than the
one that was applied last: acting on it would replace GPUs by older ones, and back again.
"""

import asyncio
from dataclasses import replace
from typing import Any

from llm_operator.control.caches import Caches
from llm_operator.control.store import trim
from llm_operator.kube.client import Cluster
from llm_operator.kube.resources import LLMDEPLOYMENTS, RAYSERVICES
from llm_operator.outcome import Outcome
from llm_operator.plan.inputs import Scope
from llm_operator.plan.ownership import owned


def terminating(obj: Any) -> bool:
    """Whether the object is there and being deleted."""
    return obj is not None and "deletionTimestamp" in obj["metadata"]


async def _parent(cluster: Cluster, caches: Caches, scope: Scope) -> dict[str, Any] | None:
    """This very LLMDeployment, if it is still there: its deletion may be lost in a watch gap. If not, the cache forgets it."""
    parent = await cluster.get(LLMDEPLOYMENTS, scope.namespace, scope.name)
    if parent is None or parent["metadata"]["uid"] != scope.parent["metadata"]["uid"] or terminating(parent):
        caches.parents.discard(scope.parent)
        return None
    return parent


def acts(scope: Scope, outcome: Outcome) -> bool:
    """Whether more than the status is to be written, or the status is to say that the RayService is somebody else's."""
    writes = (outcome.apply, outcome.patches, outcome.objects, outcome.removals, outcome.drop_pending)
    if any(writes) or outcome.delete_child or outcome.announce or outcome.pod_deletions:
        return True
    return scope.child is not None and not owned(scope, scope.child) and outcome.status != scope.status


async def fresh(cluster: Cluster, caches: Caches, scope: Scope) -> Scope | None:
    """The scope with the LLMDeployment and the RayService as they are now; the same scope if they are as they were known;
    None if the LLMDeployment is gone. The RayService is found also when it has no label of ours."""
    parent, child = await asyncio.gather(
        _parent(cluster, caches, scope), cluster.get(RAYSERVICES, scope.namespace, scope.name)
    )
    if parent is not None and child is None:
        # Asked together, the answers may be from before and after the LLMDeployment's end, which the RayService shares.
        parent = await _parent(cluster, caches, scope)
    if parent is None:
        return None
    if _version(parent) == _version(scope.parent) and _version(child) == _version(scope.child):
        return scope
    return replace(scope, parent=trim(parent), child=None if child is None else trim(child))


def _version(obj: Any) -> Any:
    return None if obj is None else (obj["metadata"].get("uid"), obj["metadata"].get("resourceVersion"))
