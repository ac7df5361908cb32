"""Is it served? What the prober's questions and the head's pod say, on top of what KubeRay and Ray Serve report. Pure.

KubeRay 1.6.2 is late and early: 10 s after the head was lost its Ready was still True, and it came back 74 s before the first
answer (rayservice_controller.go: Ready means endpoints). So a model becomes ready when Serve runs it and it has answered, and
stays so exactly as long as it answers. Tests: tests/unit/status/test_serving.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from llm_operator.api.conditions import Reason, Status
from llm_operator.api.names import MODEL_LABEL
from llm_operator.plan.inputs import Probed, Scope
from llm_operator.plan.plan import ModelPlan
from llm_operator.status.head import active_pods, head_lost
from llm_operator.status.observed import Observed

State: TypeAlias = tuple[Status, str, str]
"""Ready, state and message of a model or application."""

WARMING: Final = "the engine has not answered its first request yet"
ASLEEP: Final = "no replica runs; the next request is held until one does"


def last_of(scope: Scope, name: str, kind: str) -> Mapping[str, Any]:
    """The entry of the last status; {} if there was none."""
    return next((entry for entry in scope.status.get(kind) or () if entry.get("name") == name), {})


def was_served(scope: Scope, observed: Observed, name: str, kind: str) -> bool:
    """It was ready when the status was last written, and the same Ray cluster serves now."""
    cluster = (scope.status.get("rayService") or {}).get("activeCluster")
    same = bool(observed.active_cluster) and cluster == observed.active_cluster
    return same and last_of(scope, name, kind).get("ready") == Status.TRUE


def probed(scope: Scope, observed: Observed, name: str) -> Probed | None:
    """What the active cluster answered; None when it was not asked yet, or nobody asks."""
    found = (scope.probes or {}).get(name)
    return found if found is not None and found.cluster == observed.active_cluster else None


def judged(scope: Scope, observed: Observed, name: str, kind: str, said: State) -> State:
    """`said`: what KubeRay and Serve report. Without a prober that stands, but for a lost head."""
    if lost := head_lost(scope, observed):
        return (Status.FALSE, said[1], lost) if said[0] is Status.TRUE else said
    if scope.probes is None or not observed.active_cluster:
        return said
    served = was_served(scope, observed, name, kind)
    found = probed(scope, observed, name)
    if found is None:
        # Just started: the last operator's word stands until the first answer.
        if served and said[0] is not Status.FALSE:
            return Status.TRUE, _state(scope, name, kind, said), said[2]
        return (Status.FALSE, said[1], WARMING) if said[0] is Status.TRUE else said
    if found.served:
        return (Status.TRUE, _state(scope, name, kind, said), said[2]) if served else said
    if said[0] is Status.TRUE or served:
        return Status.FALSE, said[1], WARMING if found.warming else f"does not answer: {found.error}"
    return said


def _state(scope: Scope, name: str, kind: str, said: State) -> str:
    """While Serve says nothing, the last thing that it said."""
    return str(last_of(scope, name, kind).get("state", said[1])) if said[0] is Status.UNKNOWN else said[1]


def asked_for(scope: Scope, observed: Observed, name: str, kind: str, said: State) -> bool:
    """Whether it should answer now, so that the prober has to find out."""
    if not observed.active_cluster or head_lost(scope, observed):
        return False
    return said[0] is Status.TRUE or was_served(scope, observed, name, kind)


def reason_of(scope: Scope, observed: Observed, waiting: Sequence[Mapping[str, Any]]) -> Reason | None:
    """Why those who are not ready are not, if it is that they do not answer."""
    found = [probe for entry in waiting if (probe := probed(scope, observed, entry["name"])) is not None]
    if any(not probe.served and not probe.warming for probe in found):
        return Reason.NOT_ANSWERING
    return Reason.WARMING_UP if any(entry["message"] == WARMING for entry in waiting) else None


def asleep(scope: Scope, observed: Observed, model: ModelPlan) -> bool:
    """No replica is wanted, and there is no pod that one could run in."""
    owners = {group.owner for group in model.groups}
    pods = (pod for pod in active_pods(scope, observed) if "deletionTimestamp" not in pod["metadata"])
    return model.min_replicas == 0 and not any(pod["metadata"]["labels"].get(MODEL_LABEL) in owners for pod in pods)
