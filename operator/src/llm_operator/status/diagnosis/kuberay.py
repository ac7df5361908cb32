"""What KubeRay says of the RayService, and whether it says anything at all."""

from typing import Final

from llm_operator.api.conditions import ConditionType, Reason, Status
from llm_operator.plan.inputs import Scope
from llm_operator.status.diagnosis.configuration import VOLUME_SECONDS, mounting_since, seconds_since
from llm_operator.status.diagnosis.evidence import Cause, Evidence
from llm_operator.status.observed import Observed

SILENT_SECONDS: Final = 300
"""How long KubeRay may leave a change of the RayService unseen; it takes it up within 2 s when it runs."""


def refused(evidence: Evidence) -> Cause | None:
    """KubeRay has refused the RayService or given it up, for good."""
    observed = evidence.observed
    if observed.ready_reason == "ValidationFailed":
        said = f"KubeRay refuses the RayService: {observed.ready_message}"
        return Cause(Reason.KUBERAY_REJECTED, said)
    if observed.ready_reason == "InitializingTimeout":
        said = f"KubeRay gave up: {observed.ready_message}; set spec.rollout.restartedAt to the time now to start anew"
        return Cause(Reason.INITIALIZING_TIMEOUT, said)
    return None


def _unseen_since(scope: Scope, observed: Observed) -> str:
    """Since when KubeRay has not taken up the newest RayService, as far as the status remembers; "" when it has, or when
    this is the first look at it."""
    if not observed.exists or observed.settled or scope.child is None or scope.applied:
        return ""
    if (scope.status.get("rayService") or {}).get("generation") != observed.generation:
        return ""
    change = scope.status.get("lastChange") or {}
    known = [str(change["startedAt"])] if change.get("startedAt") and not change.get("finishedAt") else []
    for entry in scope.status.get("conditions") or ():
        if entry.get("type") == ConditionType.PROGRESSING.value and entry.get("status") == Status.TRUE.value:
            known.append(str(entry.get("lastTransitionTime") or ""))
    created = str(scope.child.get("metadata", {}).get("creationTimestamp") or "")
    return max(*known, created) if known else ""


def silent(evidence: Evidence) -> Cause | None:
    """KubeRay's controller does not run, or does not see this namespace."""
    since = _unseen_since(evidence.scope, evidence.observed)
    if not since or seconds_since(evidence.scope.now, since) < SILENT_SECONDS:
        return None
    return Cause(
        Reason.KUBERAY_NOT_RECONCILING,
        f"KubeRay has not looked at the RayService for {SILENT_SECONDS // 60} minutes: is its operator running, and does it watch "
        f"namespace {evidence.scope.namespace}? What serves goes on serving; no change takes effect",
    )


def look_again(scope: Scope, observed: Observed) -> float | None:
    """Seconds until a cause that takes time may be one, when nothing else happens; None when there is none to wait for."""
    waits = [(_unseen_since(scope, observed), SILENT_SECONDS)]
    waits += [(mounting_since(pod), VOLUME_SECONDS) for pod in scope.pods]
    left = [limit - seconds_since(scope.now, since) for since, limit in waits if since]
    return min((seconds + 1 for seconds in left if seconds > 0), default=None)
