"""Pods that wait for a node: the scheduler's message in the user's words.

Kubernetes 1.34, pkg/scheduler/framework/types.go (FitError) and the plugins' reasons. How many nodes say what is left out: it
changes with every pod of anybody, and the status must not tick. What is kept says whether waiting can help: where preemption
"is not helpful" on every node, no node is large enough even when it is empty (plugins/noderesources/fit.go).
"""

import re
from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.capacity.requests import requests as effective
from llm_operator.capacity.requests import thousandths
from llm_operator.plan.inputs import Object
from llm_operator.status.diagnosis.evidence import Cause, Evidence, Subject, condition, leaving, owner, requests, where

_NODES: Final = re.compile(r"^\d+/(?P<all>\d+) nodes are available: (?P<reasons>.*)", re.DOTALL)
_PREEMPTION: Final = re.compile(r"\.? ?preemption: ")
_NOT_HELPFUL: Final = re.compile(r"(?P<n>\d+) Preemption is not helpful")
_INSUFFICIENT: Final = re.compile(r"Insufficient (?P<resource>[A-Za-z0-9./-]*[A-Za-z0-9])")
_TAINT: Final = re.compile(r"untolerated taint(?:\(s\)|s)? ?(?P<taint>\{[^}]*\})?")
_CLAIM: Final = re.compile(r'persistentvolumeclaim "(?P<claim>[^"]+)" not found')
# What a node may lack besides resources: the scheduler's words, ours, and what can be done ({path}: of the model).
_OTHERS: Final[tuple[tuple[re.Pattern[str], str, str], ...]] = (
    (
        re.compile(r"didn't match (?:Pod's )?node (?:affinity|selector)"),
        "the node selector matches none of them",
        "correct {selector}, or label a node",
    ),
    (
        re.compile(r"volume node affinity conflict"),
        "a volume is bound to another zone or node",
        "use a volume that those nodes can mount",
    ),
    (
        re.compile(r"unbound immediate PersistentVolumeClaims|didn't find available persistent volumes"),
        "a PersistentVolumeClaim has no volume yet",
        "look at the claim: kubectl describe pvc",
    ),
    (
        re.compile(r"topology spread constraints"),
        "topology spread allows none of them",
        "relax spec.scheduling.topologySpread, or add nodes",
    ),
    (re.compile(r"anti-affinity|pod affinity"), "pods that may not share a node are there", "add nodes"),
    (re.compile(r"Too many pods"), "they have as many pods as they may", "add nodes"),
    (re.compile(r"were unschedulable"), "they are cordoned", "uncordon them or add nodes"),
    (re.compile(r"free ports"), "a host port is taken", "add nodes"),
)


def _split(message: str) -> tuple[str, bool]:
    """The reasons, and whether no node is large enough even when it is empty."""
    found = _NODES.search(message)
    if found is None:
        return message, False
    reasons, _, preemption = _PREEMPTION.split(found["reasons"], maxsplit=1)[0], "", message
    helpless = _NOT_HELPFUL.findall(preemption)
    return reasons, bool(helpless) and sum(map(int, helpless)) >= int(found["all"])


def _asked(pod: Object, resource: str) -> str:
    """What the pod asks for in the words of its container, unless its init containers ask for more while it starts."""
    value = requests(pod).get(resource, "")
    if starting := _starting(pod, resource):
        return f"{starting} {resource} while it starts"
    return f"{value} {resource}" if value else resource


def _starting(pod: Object, resource: str) -> str:
    """What an init container asks for alone, if that is what decides: KubeRay 1.6.2 gives every worker one that waits for the
    head and asks for 200m (controllers/ray/common/pod.go, DefaultWorkerPodTemplate). "" otherwise."""
    spec = pod.get("spec") or {}
    whole = effective(spec, (resource,)).get(resource, 0)
    if whole <= effective({**spec, "initContainers": ()}, (resource,)).get(resource, 0):
        return ""
    entries = (((each.get("resources") or {}).get("requests") or {}) for each in spec.get("initContainers") or ())
    return next((str(each[resource]) for each in entries if thousandths(str(each.get(resource, ""))) == whole), "")


def _resource_field(subject: Subject, resource: str) -> str:
    if subject.kind == "head" or resource in ("cpu", "memory", "ephemeral-storage"):
        key = {"cpu": "cpu", "memory": "memory", "ephemeral-storage": "ephemeralStorage"}.get(resource)
        return f"{subject.resources}.{key}" if key else subject.resources
    return subject.accelerators


def _resources(pod: Object, subject: Subject, lacking: list[str], never: bool) -> tuple[str, str]:
    lacking = sorted(lacking, key=lambda resource: "/" not in resource)  # devices are what is missing most often
    asked = " and ".join(_asked(pod, resource) for resource in lacking)
    lowered = [resource for resource in lacking if not _starting(pod, resource)]
    fields = ", ".join(dict.fromkeys(_resource_field(subject, resource) for resource in lowered))
    if not never:
        lower = f", or lower {fields}" if fields else ""
        return (
            f"it asks for {asked}, and no node has that much free",
            f"free some{',' if lower else ' or'} add nodes{lower}",
        )
    devices = [resource for resource in lacking if "/" in resource]
    plugin = f" (is the device plugin of {devices[0].partition('/')[0]} running on them?)" if devices else ""
    return (
        f"it asks for {asked}, and no node has that much, even when empty",
        f"add nodes that do{plugin}" + (f", or change {fields}" if fields else ""),
    )


def _explain(pod: Object, subject: Subject, message: str) -> tuple[list[str], list[str]]:
    reasons, never = _split(message)
    why: list[str] = []
    todo: list[str] = []
    if claim := _CLAIM.search(reasons):
        return [f'PersistentVolumeClaim "{claim["claim"]}" does not exist'], ["create it in this namespace"]
    selector = "spec.ray.head" if subject.kind == "head" else f"the nodeSelector of {subject.path}.accelerators"
    if subject.kind == "application":
        selector = f"{subject.path}.workers"
    if lacking := sorted(set(_INSUFFICIENT.findall(reasons))):
        said, advice = _resources(pod, subject, lacking, never and not _TAINT.search(reasons))
        why.append(said)
        todo.append(advice)
    taints = sorted({found["taint"] or "" for found in _TAINT.finditer(reasons)})
    if taints:
        why.append(f"nodes have a taint that it does not tolerate {', '.join(taints)}".strip())
        if not lacking:
            todo.append(
                f"add a toleration to {selector.replace('the nodeSelector of ', '')}, or nodes without the taint"
            )
    for pattern, said, advice in _OTHERS:
        if pattern.search(reasons):
            why.append(said)
            todo.append(advice.format(selector=selector))
    return why, todo


def unschedulable(evidence: Evidence) -> Cause | None:
    """The scheduler found no node for a pod."""
    for pod in evidence.scope.pods:
        placed = condition(pod, "PodScheduled")
        if placed.get("reason") != "Unschedulable" or leaving(pod):
            continue
        message = str(placed.get("message", ""))
        why, todo = _explain(pod, owner(evidence.scope, pod), message)
        said = "; ".join(why) or message
        advice = f". To do: {'; '.join(dict.fromkeys(todo))}" if todo else ""
        return Cause(Reason.UNSCHEDULABLE, f"{where(pod)} waits for a node: {said}{advice}")
    return None
