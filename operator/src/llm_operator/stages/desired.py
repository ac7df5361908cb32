"""Second stage: the objects that should be there, and how far the live ones are from them."""

from dataclasses import dataclass
from typing import Any, Final

from llm_operator.api import names
from llm_operator.outcome import ClusterPatch
from llm_operator.plan.inputs import Scope
from llm_operator.render.bounds import cluster_patch
from llm_operator.render.drift import differences
from llm_operator.render.sticky import HEAD_EXCLUDED
from llm_operator.status.observed import Observed

_HEAD: Final = f"spec.{HEAD_EXCLUDED}"


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be there, and how far the live child is from it."""

    rayservice: dict[str, Any]
    edited: bool
    """The rendered spec is not the one that was applied last."""
    drift: tuple[str, ...]
    """Paths at which the live object differs from the rendered one."""
    head_is_released: bool = False
    """The head need take requests no more (rollout/switch.py). Where somebody else let it take them, that looks the same."""

    def apply_needed(self, scope: Scope) -> bool:
        """A drift that our own last apply could not mend (pruned fields) is reported, not applied again and again."""
        if scope.applied:
            return False
        if scope.child is None or self.edited:
            return True
        if self.head_is_released:
            return True
        seen = (scope.status.get("rayService") or {}).get("generation")
        return bool(self.drift) and (scope.child["metadata"].get("generation") != seen or self.metadata_drift)

    @property
    def by_others(self) -> tuple[str, ...]:
        """Of the drift, what is not our own doing."""
        return tuple(path for path in self.drift if path != _HEAD) if self.head_is_released else self.drift

    @property
    def metadata_drift(self) -> bool:
        """Labels, annotations and owners do not raise the generation."""
        return any(path.startswith("metadata.") for path in self.drift)


def compared(scope: Scope, wanted: dict[str, Any]) -> Desired:
    """How far the live child is from a rendered RayService."""
    live = scope.child or {}
    annotations = live.get("metadata", {}).get("annotations") or {}
    key = names.SPEC_HASH_ANNOTATION
    head = (side.get("spec", {}).get(HEAD_EXCLUDED) for side in (live, wanted))
    return Desired(
        rayservice=wanted,
        edited=annotations.get(key) != wanted["metadata"]["annotations"][key],
        drift=tuple(differences(wanted, live)) if scope.child is not None else (),
        head_is_released=tuple(head) == (False, True),
    )


def patches(scope: Scope, wanted: Desired, observed: Observed) -> tuple[ClusterPatch, ...]:
    """Bounds of the worker groups of the live RayClusters."""
    groups = wanted.rayservice["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    live = {observed.active_cluster, observed.pending_cluster}
    found = (cluster_patch(cluster, groups) for cluster in scope.clusters if cluster["metadata"]["name"] in live)
    return tuple(patch for patch in found if patch is not None)
