"""Causes that come and go with the pods that KubeRay replaces: said until it serves or the spec changes, or the status would
flap between the cause and "starting"."""

from typing import Final

from llm_operator.api.conditions import ConditionType, Reason, Status
from llm_operator.status.diagnosis.evidence import Cause, Evidence

_COME_AND_GO: Final = frozenset(
    reason.value
    for reason in (
        Reason.CONTAINER_EXITED,
        Reason.OUT_OF_MEMORY,
        Reason.DISK_FULL,
        Reason.POD_EVICTED,
        Reason.GCS_STORAGE_LOST,
    )
)


def lasting(evidence: Evidence) -> Cause | None:
    """What ended a pod the last time, while its successor has not served yet."""
    scope, observed = evidence.scope, evidence.observed
    running = [application.text == "" for application in observed.applications.values()]
    if observed.ready and running and all(running):
        return None
    for entry in scope.status.get("conditions") or ():
        said = entry.get("type") == ConditionType.DEGRADED.value and entry.get("status") == Status.TRUE.value
        if said and entry.get("reason") in _COME_AND_GO and entry.get("observedGeneration") == scope.generation:
            return Cause(Reason(entry["reason"]), str(entry.get("message", "")))
    return None
