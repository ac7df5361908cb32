"""The head of the Ray cluster that serves: is it there? From its pods, without waiting for KubeRay, which takes 10 s. Pure.

Without GCS fault tolerance a head that goes takes every replica with it (Ray 2.60.0: a new GCS knows no actor).
Tests: tests/unit/status/test_head.py.
"""

from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.api.names import RAY_CLUSTER_LABEL, RAY_NODE_TYPE_LABEL
from llm_operator.plan.inputs import Object, Scope
from llm_operator.status.diagnosis import Cause
from llm_operator.status.observed import Observed

NOT_READY: Final = "the head's pod is not ready"


def active_pods(scope: Scope, observed: Observed) -> list[Object]:
    """Ray pods of the cluster that serves."""
    active = observed.active_cluster
    return [pod for pod in scope.pods if active and pod["metadata"].get("labels", {}).get(RAY_CLUSTER_LABEL) == active]


def _is_head(pod: Object) -> bool:
    return bool(pod["metadata"].get("labels", {}).get(RAY_NODE_TYPE_LABEL) == "head")


def head_problem(scope: Scope, observed: Observed) -> str:
    """What is wrong with the head of the active cluster, in one sentence; "" when nothing is, or none of its pods was seen."""
    pods = active_pods(scope, observed)
    heads = [pod for pod in pods if _is_head(pod)]
    if not pods:
        return ""
    if not heads:
        return "the head's pod is gone"
    problems = [_pod_problem(head) for head in heads]
    return "" if "" in problems else problems[0]


def _pod_problem(pod: Object) -> str:
    status = pod.get("status") or {}
    if "deletionTimestamp" in pod["metadata"]:
        return "the head's pod is being deleted"
    if status.get("phase") != "Running":
        return f"the head's pod is {status.get('phase', 'not yet scheduled')}"
    stopped = [each for each in status.get("containerStatuses") or () if "running" not in (each.get("state") or {})]
    if stopped:
        return f"container {stopped[0].get('name')} of the head does not run"
    ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in status.get("conditions") or ())
    return "" if ready else NOT_READY


def keeps_state(scope: Scope, observed: Observed) -> bool:
    """The active cluster's state lies outside of its head (GCS fault tolerance): replicas go on without it."""
    found = [each for each in scope.clusters if each["metadata"].get("name") == observed.active_cluster]
    return any((each.get("spec") or {}).get("gcsFaultToleranceOptions") for each in found)


def head_lost(scope: Scope, observed: Observed) -> str:
    """The sentence of `head_problem` when the cluster cannot serve because of it. With GCS fault tolerance, and for a head
    that runs but fails its probes, the prober's answers decide, if there is one."""
    problem = head_problem(scope, observed)
    if scope.probes is not None and (problem == NOT_READY or keeps_state(scope, observed)):
        return ""
    return problem


def head_cause(scope: Scope, observed: Observed) -> Cause | None:
    """HeadLost while models cannot be served because of it, HeadRecovering while they are; None when the head is well."""
    problem = head_problem(scope, observed)
    if not problem:
        return None
    asked = [found for found in (scope.probes or {}).values() if found.cluster == observed.active_cluster]
    if head_lost(scope, observed) or not asked or not all(found.served for found in asked):
        return Cause(Reason.HEAD_LOST, f"{problem}: {_LOST}")
    return Cause(
        Reason.HEAD_RECOVERING, f"{problem}: requests are answered, but no replica can be started until it is back"
    )


_LOST: Final = (
    "requests fail until KubeRay has made a new head and every model is loaded again; "
    "with spec.ray.head.faultTolerance replicas would go on serving"
)
