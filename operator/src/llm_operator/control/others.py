"""Writes the further children of one LLMDeployment: what sync says is missing, different or no longer wanted."""

import logging
from dataclasses import replace
from typing import Any, Final

from llm_operator.control.caches import Caches, typed
from llm_operator.control.store import trim
from llm_operator.kube.client import Cluster
from llm_operator.kube.errors import ApiError, Forbidden, Invalid
from llm_operator.kube.resources import OTHER_KINDS, Resource
from llm_operator.outcome import Outcome, Removal
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync

_logger = logging.getLogger(__name__)
_RESOURCES: Final = {(resource.api_version, resource.kind): resource for resource in OTHER_KINDS}


class Others:
    """One per reconciler."""

    def __init__(self, cluster: Cluster, caches: Caches) -> None:
        self._cluster, self._caches = cluster, caches

    async def write(self, scope: Scope, outcome: Outcome) -> tuple[Scope, Outcome, ApiError | None]:
        """Applies and deletes. A refusal ends it and goes into the new outcome's status; other errors are raised."""
        if not outcome.objects and not outcome.removals:
            return scope, outcome, None
        seen = await self._confirm(scope, outcome)
        if seen is not scope:
            scope, outcome = seen, sync(seen)
        for wanted in outcome.objects:
            try:
                await self._apply(wanted)
            except (Invalid, Forbidden) as refusal:
                name = f'{wanted["kind"]} "{wanted["metadata"]["name"]}"'
                scope = replace(scope, objects_error=f"the API server refuses the {name}: {refusal.message}")
                return scope, sync(scope), refusal
        for removal in outcome.removals:
            await self._delete(scope, removal)
        return scope, outcome, None

    async def _confirm(self, scope: Scope, outcome: Outcome) -> Scope:
        """The scope with what is there already under the name of an object that is to be made: our label selector hides
        what belongs to somebody else."""
        known = {(obj["kind"], obj["metadata"]["name"]) for obj in scope.others}
        new = [obj for obj in outcome.objects if (obj["kind"], obj["metadata"]["name"]) not in known]
        found: list[dict[str, Any]] = []
        for wanted in new:
            resource, name = _resource(wanted), wanted["metadata"]["name"]
            live = await self._cluster.get(resource, scope.namespace, name)
            if live is not None:
                found.append(typed(resource, trim(live)))
        return replace(scope, others=(*scope.others, *found)) if found else scope

    async def _apply(self, wanted: dict[str, Any]) -> None:
        resource = _resource(wanted)
        self._caches.of(resource).put(await self._cluster.apply(resource, wanted))
        _logger.info("applied %s %s", wanted["kind"], wanted["metadata"]["name"])

    async def _delete(self, scope: Scope, removal: Removal) -> None:
        resource = _RESOURCES[removal.api_version, removal.kind]
        left = await self._cluster.delete(resource, scope.namespace, removal.name, uid=removal.uid)
        store = self._caches.of(resource)
        live = store.get((scope.namespace, removal.name))
        if left is not None:
            store.put(left)
        elif live is not None and live["metadata"].get("uid") == removal.uid:
            store.discard(live)
        _logger.info("deleted %s %s", removal.kind, removal.name)


def _resource(obj: dict[str, Any]) -> Resource:
    return _RESOURCES[obj["apiVersion"], obj["kind"]]
