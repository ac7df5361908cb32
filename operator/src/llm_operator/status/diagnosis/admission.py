"""Pods that KubeRay may not make: quota, LimitRange, PodSecurity, admission policies and webhooks.

KubeRay 1.6.2 repeats the API server's answer in the RayCluster's condition ReplicaFailure (raycluster_controller.go), which is
why events of RayClusters need not be watched.
"""

import re
from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Scope
from llm_operator.status.diagnosis.evidence import Cause, Evidence

# Without the random name that KubeRay gives the pod at each attempt: it would make the status tick.
_POD_NAME: Final = re.compile(r'pods? "[^"]+" is forbidden')
_PREFIX: Final = re.compile(r"^(?P<step>FailedCreate\w*|FailedDelete\w*)\s+")
_STEPS: Final = {"FailedCreateHeadPod": "the head's pod", "FailedCreateWorkerPod": "a worker pod"}
_QUOTA: Final = re.compile(
    r"exceeded quota: (?P<quota>[^,]+), requested: (?P<asked>.+?), used: (?P<used>.+?), limited: (?P<limit>.+)$",
    re.DOTALL,
)
_ADVICE: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"violates PodSecurity"), "the namespace's label pod-security.kubernetes.io/enforce forbids this"),
    (
        re.compile(r"(?:maximum|minimum) [\w.-]+ usage per|must be equal|LimitRange"),
        "a LimitRange of the namespace says so; change it, or the resources of that pod",
    ),
    (
        re.compile(r"failed calling webhook"),
        "an admission webhook of this cluster does not answer; it must be repaired",
    ),
    (
        re.compile(r"ValidatingAdmissionPolicy|admission webhook"),
        "a policy of this cluster says so; ask who runs it, or change what it names",
    ),
    (re.compile(r"service ?account"), "the service account must exist in the namespace"),
)


def _quota(found: re.Match[str], step: str) -> Cause:
    return Cause(
        Reason.QUOTA_EXCEEDED,
        f'ResourceQuota "{found["quota"]}" does not allow {step}: it asks for {found["asked"]}; {found["used"]} of '
        f"{found['limit'].strip()} are used. Raise the quota, or ask for less: spec.ray.head.resources, resources and "
        "scaling.minReplicas of the models",
    )


def forbidden(evidence: Evidence) -> Cause | None:
    """A RayCluster says that its pods were refused."""
    for text in _refusals(evidence.scope):
        plain = _POD_NAME.sub("pods are forbidden", text)
        prefix = _PREFIX.match(plain)
        step = _STEPS.get(prefix["step"], "pods") if prefix else "pods"
        said = plain[prefix.end() :] if prefix else plain
        if quota := _QUOTA.search(said):
            return _quota(quota, step)
        advice = next((f": {words}" for pattern, words in _ADVICE if pattern.search(said)), "")
        return Cause(Reason.PODS_FORBIDDEN, f"KubeRay cannot make {step}: {said.rstrip('.')}{advice}")
    return None


def _refusals(scope: Scope) -> list[str]:
    return [
        str(condition.get("message", ""))
        for cluster in scope.clusters
        for condition in (cluster.get("status") or {}).get("conditions") or ()
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
    ]
