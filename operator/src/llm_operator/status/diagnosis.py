"""Why is it not ready: the first cause found in pods, RayClusters and Serve's words, as reason and message.

Each finder looks for one cause; FINDERS is the order in which causes are believed. Worker readiness is never looked at:
a worker without a Serve proxy is NotReady by design (KubeRay 1.6.2, controllers/ray/common/pod.go).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llm_operator.api.conditions import Reason
from llm_operator.api.names import RAY_GROUP_LABEL, RAY_NODE_TYPE_LABEL
from llm_operator.plan.inputs import Object, Scope
from llm_operator.plan.placement import group_name
from llm_operator.status.observed import Observed

_POD_NAME: Final = re.compile(r'pods? "[^"]+" is forbidden')
_ORDERLY: Final = (0, 137, 143)  # ended by itself, killed, or stopped: how the autoscaler removes a pod
_IMAGE_REASONS: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is not as wanted, and what to do about it."""

    reason: Reason
    message: str


def _where(pod: Object) -> str:
    labels = pod.get("metadata", {}).get("labels", {})
    if labels.get(RAY_NODE_TYPE_LABEL) == "head":
        return "head"
    return f'worker group "{labels.get(RAY_GROUP_LABEL, "?")}"'


def _applications(scope: Scope) -> frozenset[str]:
    """Names of spec.applications, as far as the spec can be read, with their worker groups'."""
    spec = scope.parent.get("spec")
    found = spec.get("applications") if isinstance(spec, Mapping) else None
    listed = [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, Sequence) else []
    names = {str(entry.get("name")) for entry in listed}
    return frozenset(names | {group_name(name) for name in names})


def _of_application(scope: Scope, pod: Object) -> bool:
    return pod.get("metadata", {}).get("labels", {}).get(RAY_GROUP_LABEL) in _applications(scope)


def _served(scope: Scope, name: str) -> str:
    return f'{"application" if name in _applications(scope) else "model"} "{name}"'


def _containers(pod: Object) -> Iterator[dict[str, Any]]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _waiting(scope: Scope) -> Iterator[tuple[Object, dict[str, Any], str, str]]:
    for pod in scope.pods:
        for container in _containers(pod):
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason"):
                yield pod, container, str(waiting["reason"]), str(waiting.get("message", ""))


def _image(scope: Scope, observed: Observed) -> Cause | None:
    for pod, container, reason, message in _waiting(scope):
        if reason in _IMAGE_REASONS:
            own = "applications[].image" if _of_application(scope, pod) else "engine.image"
            field = "spec.ray.image" if _where(pod) == "head" else f"{own} or spec.ray.image"
            # The kubelet alternates between the error and its back-off; the part that stays is the cause.
            detail = message.rpartition("ErrImagePull: ")[2] if "ErrImagePull: " in message else message
            detail = "" if detail.startswith("Back-off") else detail
            return Cause(
                Reason.IMAGE_PULL_FAILED,
                f"{_where(pod)}: image {container.get('image')} cannot be pulled; check {field}. {detail}".strip(),
            )
    return None


def _secret(scope: Scope, observed: Observed) -> Cause | None:
    for pod, _, reason, message in _waiting(scope):
        if reason == "CreateContainerConfigError":
            field = "applications[].env" if _of_application(scope, pod) else "source.tokenSecretRef or engine.env"
            return Cause(
                Reason.SECRET_KEY_MISSING,
                f"{_where(pod)}: {message}; create it in namespace {scope.namespace}, or correct {field}",
            )
    return None


def _terminated(container: dict[str, Any]) -> dict[str, Any]:
    for when in ("state", "lastState"):
        terminated = (container.get(when) or {}).get("terminated")
        if terminated:
            return dict(terminated)
    return {}


def _out_of_memory(scope: Scope, observed: Observed) -> Cause | None:
    for pod in scope.pods:
        for container in _containers(pod):
            if _terminated(container).get("reason") == "OOMKilled":
                own = "workers.resources.memory of the application" if _of_application(scope, pod) else ""
                field = (
                    "spec.ray.head.resources.memory"
                    if _where(pod) == "head"
                    else own or "resources.memory of the model"
                )
                return Cause(
                    Reason.OUT_OF_MEMORY,
                    f"{_where(pod)}: container {container.get('name')} was killed for memory; raise {field}",
                )
    return None


def _exited(scope: Scope, observed: Observed) -> Cause | None:
    """Ray containers are not restarted in place (autoscaler v2: restartPolicy Never); KubeRay replaces their pod."""
    for pod in scope.pods:
        for container in _containers(pod):
            ended = (container.get("state") or {}).get("terminated") or {}
            if ended.get("exitCode", 0) not in _ORDERLY and "deletionTimestamp" not in pod["metadata"]:
                message = f"{_where(pod)}: container {container.get('name')} exited with {ended['exitCode']}"
                said = str(ended.get("message") or "").strip()
                return Cause(Reason.CONTAINER_EXITED, f"{message}: {said}" if said else f"{message}; see its log")
    return None


def _unschedulable(scope: Scope, observed: Observed) -> Cause | None:
    for pod in scope.pods:
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
                return Cause(
                    Reason.UNSCHEDULABLE,
                    f"{_where(pod)} waits for a node: {condition.get('message', '')}",
                )
    return None


def _forbidden(scope: Scope, observed: Observed) -> Cause | None:
    for cluster in scope.clusters:
        for condition in (cluster.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
                # Without the random name that KubeRay gives the pod at each attempt: it would make the status tick.
                said = _POD_NAME.sub("pods are forbidden", str(condition.get("message", "")))
                return Cause(Reason.PODS_FORBIDDEN, f"KubeRay cannot make pods: {said}")
    return None


def _deploy_failed(scope: Scope, observed: Observed) -> Cause | None:
    for name, application in (*observed.applications.items(), *observed.pending_applications.items()):
        if application.failed:
            return Cause(Reason.DEPLOY_FAILED, f"{_served(scope, name)}: Ray Serve gave up: {application.text}")
    return None


def _unhealthy(scope: Scope, observed: Observed) -> Cause | None:
    for name, application in observed.applications.items():
        if application.unhealthy:
            return Cause(Reason.UNHEALTHY, f"{_served(scope, name)}: {application.text or application.state}")
    return None


def _kuberay(scope: Scope, observed: Observed) -> Cause | None:
    if observed.ready_reason == "ValidationFailed":
        return Cause(Reason.KUBERAY_REJECTED, f"KubeRay refuses the RayService: {observed.ready_message}")
    if observed.ready_reason == "InitializingTimeout":
        return Cause(
            Reason.INITIALIZING_TIMEOUT,
            f"KubeRay gave up: {observed.ready_message}; delete the RayService to start anew",
        )
    return None


FINDERS: Final[tuple[Callable[[Scope, Observed], Cause | None], ...]] = (
    _kuberay,
    _forbidden,
    _image,
    _secret,
    _deploy_failed,
    _out_of_memory,
    _exited,
    _unschedulable,
    _unhealthy,
)


def diagnose(scope: Scope, observed: Observed) -> Cause | None:
    """The first cause, or None when nothing is wrong (yet)."""
    return next((cause for find in FINDERS if (cause := find(scope, observed)) is not None), None)
