"""Going back to the last spec that served: announced in the status first, in force until the spec is edited."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from llm_operator.api.conditions import truncate
from llm_operator.plan.inputs import Scope
from llm_operator.render.sticky import Sticky
from llm_operator.rollout.failure import Failure
from llm_operator.rollout.revisions import Revision, revisions, workload

MOST_DROPPED: Final = 3


@dataclass(frozen=True, slots=True)
class Rollback:
    """Another spec than the user's is in force."""

    revision: Revision
    message: str
    dropped: tuple[str, ...] = ()
    """Ray clusters under preparation that were dropped for it."""

    def entry(self, generation: int) -> dict[str, Any]:
        """`status.rollback`."""
        return {
            "failedGeneration": generation,
            "revision": self.revision.name,
            "message": self.message,
            "droppedClusters": list(self.dropped),
        }


NONE: Final[dict[str, Any]] = {"failedGeneration": 0, "revision": "", "message": "", "droppedClusters": []}
"""`status.rollback` when none is in force any more: what an apply drops as a whole comes back as null."""


def standing(scope: Scope) -> Rollback | None:
    """The one that the status says, as long as the spec is the one that failed and the revision is there."""
    said = scope.status.get("rollback")
    if not isinstance(said, Mapping) or said.get("failedGeneration") != scope.generation:
        return None
    found = next((each for each in revisions(scope) if each.name == said.get("revision")), None)
    return None if found is None else Rollback(found, str(said["message"]), tuple(said.get("droppedClusters") or ()))


def begin(scope: Scope, failed: Failure, wanted: Sticky) -> Rollback | None:
    """To the newest revision that is not what failed; None when there is none. `wanted`: of what failed."""
    spec, wanted = workload(scope.parent.get("spec")), replace(wanted, head_serves=False)
    for revision in revisions(scope):
        if (revision.spec, revision.sticky) != (spec, wanted):
            said = f"generation {scope.generation} failed: {failed.message}"
            back = f"the spec of ControllerRevision {revision.name} is in force until the spec is edited"
            return Rollback(revision, truncate(f"{said}; {back}"))
    return None
