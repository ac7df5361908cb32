"""The pods that a Ray cluster needs at its fewest replicas, by what they ask of a node."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llm_operator.capacity.requests import Amounts, amounts, requests

_CORE: Final = ("cpu", "memory", "ephemeral-storage", "pods")
_BLOCKING: Final = ("NoSchedule", "NoExecute")
_CORDONED: Final = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


@dataclass(frozen=True, slots=True)
class Shape:
    """Equal pods: of the head, of a worker group, or of several groups that differ in nothing that counts here."""

    names: tuple[str, ...]
    """`the head`, `worker group qwen`."""
    pods: int
    requests: Amounts
    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """For people."""
        return ", ".join(self.names)

    def matches(self, node: Mapping[str, Any]) -> bool:
        """Whether such a pod may run on the node when it is empty, as far as the node's readiness, its labels, its taints and its size
        say: affinity, spread and volumes are not looked at."""
        size = amounts((node.get("status") or {}).get("allocatable"), self.requests)
        if any(size.get(name, 0) < amount for name, amount in self.requests.items()):
            return False
        labels = node["metadata"].get("labels") or {}
        if any(labels.get(key) != value for key, value in self.node_selector.items()):
            return False
        conditions = (node.get("status") or {}).get("conditions") or ()
        if not any((each.get("type"), each.get("status")) == ("Ready", "True") for each in conditions):
            return False
        spec = node.get("spec") or {}
        taints = [*(spec.get("taints") or ()), *([_CORDONED] if spec.get("unschedulable") else [])]
        return all(self._tolerates(taint) for taint in taints if taint.get("effect") in _BLOCKING)

    def _tolerates(self, taint: Mapping[str, Any]) -> bool:
        # The admission plugin ExtendedResourceToleration (on at GKE) tolerates taints named as a resource that a pod asks for.
        named = taint.get("key") in self.requests
        return named or any(_tolerates(toleration, taint) for toleration in self.tolerations)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Kubernetes 1.34, core/v1/toleration.go, ToleratesTaint. An operator that is not known there tolerates."""
    operator, key = toleration.get("operator") or "Equal", toleration.get("key") or ""
    if toleration.get("effect") not in (None, "", taint.get("effect")) or (key and key != taint.get("key")):
        return False
    return operator != "Equal" or (bool(key) and (toleration.get("value") or "") == (taint.get("value") or ""))


def _shape(name: str, pods: int, template: Mapping[str, Any]) -> Shape:
    spec = template.get("spec") or {}
    return Shape((name,), pods, requests(spec), spec.get("nodeSelector") or {}, tuple(spec.get("tolerations") or ()))


def _look(shape: Shape) -> str:
    return json.dumps((shape.requests, shape.node_selector, shape.tolerations), sort_keys=True)


def shapes(cluster: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Of a rayClusterConfig. Without what KubeRay and admission add to pods: a bit less than they ask for in the end."""
    found = [_shape("the head", 1, (cluster.get("headGroupSpec") or {}).get("template") or {})]
    for group in cluster.get("workerGroupSpecs") or ():
        pods = int(group.get("minReplicas") or 0) * int(group.get("numOfHosts") or 1)
        if pods:
            found.append(_shape(f"worker group {group['groupName']}", pods, group.get("template") or {}))
    made: dict[str, Shape] = {}
    for shape in found:
        same = made.get(_look(shape))
        names, pods = ((*same.names, *shape.names), same.pods + shape.pods) if same else (shape.names, shape.pods)
        made[_look(shape)] = Shape(names, pods, shape.requests, shape.node_selector, shape.tolerations)
    return tuple(made.values())


def priority_class(cluster: Mapping[str, Any]) -> str:
    """PriorityClass of its pods, which is one for all of them; empty: none is named."""
    template = (cluster.get("headGroupSpec") or {}).get("template") or {}
    return str((template.get("spec") or {}).get("priorityClassName") or "")


def scarce_first(names: Sequence[str]) -> list[str]:
    """Resources by name, accelerators and the like first."""
    return sorted(names, key=lambda name: (name in _CORE, name))
