"""Secrets, ConfigMaps and volumes that a pod waits for."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Object
from llm_operator.status.diagnosis.evidence import Cause, Evidence, condition, leaving, owner, waiting, where

VOLUME_SECONDS: Final = 120
"""How long a pod that has a node may wait for its volumes before it is said: a disk of a cloud takes about a minute."""
# Kubernetes 1.34, pkg/kubelet/kuberuntime and kubelet_pods.go.
_NO_KEY: Final = re.compile(r"couldn't find key (?P<key>\S+) in (?P<kind>Secret|ConfigMap) \S+/(?P<name>\S+)")
_NO_OBJECT: Final = re.compile(r'(?P<kind>secret|configmap) "(?P<name>[^"]+)" not found')


def _references(value: Any, path: str, name: str) -> Iterator[str]:
    """Paths of the spec that name this Secret or ConfigMap."""
    if isinstance(value, dict):
        if path.endswith("Ref") and value.get("name") == name:
            yield path
        for key, inner in value.items():
            yield from _references(inner, f"{path}.{key}", name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _references(inner, f"{path}[{index}]", name)


def _named_by(evidence: Evidence, pod: Object, name: str) -> str:
    """Where the spec names it: for this pod's model or application if there, else wherever; never nothing."""
    subject = owner(evidence.scope, pod)
    found = list(_references(evidence.scope.parent.get("spec"), "spec", name))
    own = [path for path in found if path.startswith(f"{subject.path}.")]
    guess = f"{subject.path}.env" if subject.kind == "application" else f"{subject.path}.source or .engine.env"
    return " and ".join(own or found) or guess


def config(evidence: Evidence) -> Cause | None:
    """A container cannot start: a Secret or ConfigMap of its environment is missing, or a key of it."""
    for pod, _, reason, message in waiting(evidence.scope):
        if reason != "CreateContainerConfigError":
            continue
        namespace = evidence.scope.namespace
        missing = _NO_KEY.search(message) or _NO_OBJECT.search(message)
        own = _named_by(evidence, pod, missing["name"] if missing else "")
        is_map = missing is not None and missing["kind"].lower() == "configmap"
        return Cause(
            Reason.CONFIG_MAP_MISSING if is_map else Reason.SECRET_KEY_MISSING,
            f"{where(pod)}: {message}; create it in namespace {namespace}, or correct {own}",
        )
    return None


def _volume(volume: dict[str, Any]) -> str:
    if claim := volume.get("persistentVolumeClaim"):
        return f'PersistentVolumeClaim "{claim.get("claimName")}"'
    for kind, key, word in (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret")):
        if (source := volume.get(kind)) is not None:
            keys = ", ".join(str(item.get("key")) for item in source.get("items") or ())
            return f'{word} "{source.get(key)}"' + (f" with key {keys}" if keys else "")
    return ""


def seconds_since(now: str, then: str) -> float:
    """Seconds between two times of RFC 3339; 0 when one of them is none."""
    try:
        return (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
    except (ValueError, TypeError):
        return 0


def mounting_since(pod: Object) -> str:
    """When a pod that still waits for its volumes (or its network) got its node; "" when it does not wait.
    PodReadyToStartContainers is there since Kubernetes 1.29; images are pulled after it is True."""
    placed, ready = condition(pod, "PodScheduled"), condition(pod, "PodReadyToStartContainers")
    waits = placed.get("status") == "True" and ready.get("status") == "False" and not leaving(pod)
    pending = (pod.get("status") or {}).get("phase") == "Pending"
    return str(placed.get("lastTransitionTime", "")) if waits and pending else ""


def volume(evidence: Evidence) -> Cause | None:
    """A pod has a node, and its volumes are not there. Which of them only the kubelet's events say, and these are not
    watched: all that can be missing are named."""
    for pod in evidence.scope.pods:
        since = mounting_since(pod)
        if not since or seconds_since(evidence.scope.now, since) < VOLUME_SECONDS:
            continue
        volumes = (pod.get("spec") or {}).get("volumes") or ()
        names = sorted({text for entry in volumes if (text := _volume(entry))})
        if names:
            return Cause(
                Reason.VOLUME_NOT_READY,
                f"{where(pod)} waits for its volumes: is there, in namespace {evidence.scope.namespace}, "
                f"{', '.join(names)}, and can the node mount it? (kubectl describe pod says which: FailedMount)",
            )
    return None
