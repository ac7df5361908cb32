"""When a change has failed: its deadline is over, Ray Serve gave up for good, or KubeRay refuses it."""

from collections.abc import Collection
from dataclasses import dataclass

from llm_operator.api.conditions import Reason
from llm_operator.api.spec.rollout import Rollout
from llm_operator.plan.inputs import Scope
from llm_operator.rollout.clock import later, moment, until
from llm_operator.status.change_record import Entry, last, recorded, unfinished
from llm_operator.status.observed import Observed


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a change did not succeed."""

    reason: Reason
    message: str


def under_way(scope: Scope) -> Entry:
    """The change that goes on: as the status says, or, when that could not be written, the RayService; {} when none does."""
    known, record = last(scope), recorded(scope.child)
    entry = record if record and record["startedAt"] > str(known.get("startedAt", "")) else known
    return entry if unfinished(entry) and moment(str(entry.get("startedAt", ""))) is not None else {}


def failure(scope: Scope, observed: Observed, rollout: Rollout, exhausted: Collection[str]) -> Failure | None:
    """Of the change that is under way. `exhausted`: applications that are not tried again."""
    change = under_way(scope)
    if not change or not observed.exists:
        return None
    if observed.ready_reason == "ValidationFailed":
        return Failure(Reason.KUBERAY_REJECTED, f"KubeRay refuses the RayService: {observed.ready_message}")
    if exhausted:
        names = ", ".join(f'"{name}"' for name in exhausted)
        return Failure(Reason.DEPLOY_FAILED, f"Ray Serve gave up {names}, and retries did not help")
    if deadline_in(change, scope.now, rollout) is None:
        seconds = rollout.progress_deadline_seconds
        said = f"the change of {change['startedAt']} does not serve after {seconds} s (spec.rollout.progressDeadlineSeconds)"
        return Failure(Reason.PROGRESS_DEADLINE_EXCEEDED, said)
    return None


def deadline_in(change: Entry, now: str, rollout: Rollout) -> float | None:
    """Seconds until the deadline of a change under way; None without one, and after it."""
    if not unfinished(change):
        return None
    left = until(now, later(str(change["startedAt"]), rollout.progress_deadline_seconds))
    return left if left > 0 else None
