"""PodSecurity "restricted" and the house rules of a pod template, as a list of problems.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ (Kubernetes 1.34).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import kubernetes_validate

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
_KUBERNETES = "1.34.0"


def pod_problems(template: dict[str, Any]) -> list[str]:
    """[] when the API server would admit such a pod in a namespace that enforces `restricted`."""
    return _problems(json.dumps(template, sort_keys=True))


@cache
def _problems(template_json: str) -> list[str]:
    """Many cases have one template: it is checked once."""
    template = json.loads(template_json)
    spec = template["spec"]
    return [*_schema(template), *_pod(spec), *(p for c in spec["containers"] for p in _container(c, spec))]


def _schema(template: dict[str, Any]) -> Iterator[str]:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": "x"},
        "spec": template["spec"],
    }
    try:
        kubernetes_validate.validate(pod, _KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{'.'.join(map(str, error.path))}: {error.message}"


def _pod(spec: dict[str, Any]) -> Iterator[str]:
    yield from (f"{key} must not be set" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    security = spec.get("securityContext", {})
    if security.get("runAsNonRoot") is not True:
        yield "securityContext.runAsNonRoot must be true"
    if not security.get("runAsUser"):
        yield "securityContext.runAsUser must be a number other than 0"
    if security.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "securityContext.seccompProfile must be RuntimeDefault"
    for volume in spec.get("volumes", []):
        yield from (f"volume type {kind} is not allowed" for kind in volume.keys() - {"name"} - _VOLUMES)


def _container(container: dict[str, Any], spec: dict[str, Any]) -> Iterator[str]:
    name, security = container["name"], container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation must be false"
    if security.get("privileged"):
        yield f"{name}: privileged"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{name}: capabilities must drop ALL and add none"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield f"{name}: hostPort"
    yield from _requests(name, container["resources"])
    names = [variable["name"] for variable in container.get("env", [])]
    if len(set(names)) != len(names):
        yield f"{name}: an environment variable is set twice"
    mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
    if mounts - {volume["name"] for volume in spec.get("volumes", [])}:
        yield f"{name}: a mounted volume does not exist"


def _requests(name: str, resources: dict[str, Any]) -> Iterator[str]:
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    if not {"cpu", "memory"} <= requests.keys():
        yield f"{name}: cpu and memory must be requested: Ray's autoscaler counts with them"
    if "cpu" in limits:
        yield f"{name}: a CPU limit throttles the engine"
    yield from (f"{name}: {key}: request and limit differ" for key in limits if requests.get(key) != limits[key])
