"""A replica that no worker group will ever take: autoscaling that can never act."""

import json
import re
from collections.abc import Mapping
from typing import Final

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.conditions import Reason
from llm_operator.api.names import RAY_GROUP_LABEL
from llm_operator.plan.inputs import Object, Scope
from llm_operator.plan.placement import group_name
from llm_operator.plan.pods import GroupPlan
from llm_operator.status.diagnosis.evidence import Cause, Evidence, labels_of, served

# Ray 2.60.0, serve/_private/deployment_state.py: said after 30 s. Placement groups are lists, actors are one map.
_WAITS: Final = re.compile(
    r"taken more than \d+s to be scheduled[\s\S]*?Resources required for each replica: (?P<asked>\[.*?\]|\{.*?\})(?:,|\.|$)"
)

_SETTLED: Final = "HEALTHY"
"""No more replicas are wanted than run. Ray 2.60.0 keeps the last message until the status changes (deployment_state.py,
check_curr_status), and it does not change while a lost replica is replaced: what is said then may be long over."""


def _bundles(text: str) -> list[dict[str, float]]:
    try:
        found = json.loads(text.replace("'", '"'))
    except ValueError:
        return []
    listed = found if isinstance(found, list) else [found]
    return [{str(k): float(v) for k, v in each.items()} for each in listed if isinstance(each, dict)]


def _numbers(group: GroupPlan) -> dict[str, float]:
    """What one pod of the group offers to Ray."""
    return {name: float(value) for name, value in group.ray_resources}


def _fits(bundle: Mapping[str, float], group: GroupPlan) -> bool:
    has = _numbers(group)
    return all(has.get(name, 0) >= value for name, value in bundle.items())


def _full(pods: tuple[Object, ...], group: GroupPlan) -> bool:
    """As many pods run as the group may have."""
    running = [
        pod
        for pod in pods
        if labels_of(pod).get(RAY_GROUP_LABEL) == group.name and (pod.get("status") or {}).get("phase") == "Running"
    ]
    return len(running) >= group.max_pods * group.hosts


def _restarting(scope: Scope) -> bool:
    """Replicas are restarted one after the other: the next one waits while the one before it ends its streams."""
    change = scope.status.get("lastChange") or {}
    return change.get("class") == ChangeClass.REPLICA_RESTART and not change.get("finishedAt")


def _words(resources: Mapping[str, float]) -> str:
    """Without the marker of the group, which means nothing to users."""
    said = [f"{value:g} {name}" for name, value in resources.items() if value and not name.startswith("group:")]
    return ", ".join(said) or "a place"


def never_fits(evidence: Evidence) -> Cause | None:
    """Serve wants a replica, and no pod that may exist can take it. Ray's autoscaler says nothing then and adds nothing."""
    plan = evidence.plan
    for name, application in evidence.observed.applications.items() if plan is not None else ():
        found = _WAITS.search(application.said)
        subject = served(evidence.scope, name)
        groups = [group for group in plan.groups if group.owner == group_name(name)] if plan is not None else []
        if found is None or not groups or application.engine_status == _SETTLED:
            continue
        for bundle in _bundles(found["asked"]):
            room = [group for group in groups if _fits(bundle, group)]
            if not room:
                most = ", or ".join(f"{_words(_numbers(group))} (group {group.name})" for group in groups)
                return Cause(
                    Reason.REPLICA_NEVER_FITS,
                    f"{subject}: a replica asks one pod for {_words(bundle)}, and a pod offers {most}: no pod is ever added. Raise "
                    f"{subject.resources} or {subject.accelerators}",
                )
            if not _restarting(evidence.scope) and all(_full(evidence.scope.pods, group) for group in room):
                return Cause(
                    Reason.REPLICA_NEVER_FITS,
                    f"{subject}: a replica waits for {_words(bundle)}, and all pods that its worker groups may have are taken: raise "
                    f"{subject.path}.scaling.maxReplicas, or let fewer replicas run",
                )
    return None
