"""Containers and pods that ended: killed for memory, evicted, out of disk, crashed again and again."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Object
from llm_operator.status.diagnosis.evidence import Cause, Evidence, containers, is_head, leaving, limits, owner, where
from llm_operator.status.diagnosis.weights import memory_that_fits

_ORDERLY: Final = (0, 137, 143)  # ended by itself, killed, or stopped: how the autoscaler removes a pod
_RESTARTS: Final = 3  # the kubelet then waits 40 s and more between two attempts
_REDIS: Final = re.compile(r"(?i)\bredis\b")
_DISK: Final = re.compile(r"(?i)ephemeral[ -]?(local )?storage|EmptyDir|disk ?pressure|no space left on device")
# Kubernetes 1.34, pkg/kubelet/eviction/helpers.go: which resource, without the numbers of this moment.
_USAGE: Final = re.compile(
    r"(?P<said>(?:Pod|Container \S+|Usage of EmptyDir volume \S+) .*?exceed\w*.*?limit.*?)(?:\. |\.?$)"
)


def _terminated(container: Mapping[str, Any]) -> Mapping[str, Any]:
    for when in ("state", "lastState"):
        terminated = (container.get(when) or {}).get("terminated")
        if isinstance(terminated, Mapping):
            return terminated
    return {}


def _ended(evidence: Evidence) -> Iterator[tuple[Object, Mapping[str, Any], Mapping[str, Any]]]:
    for pod in evidence.scope.pods:
        for container in containers(pod):
            if terminated := _terminated(container):
                yield pod, container, terminated


def out_of_memory(evidence: Evidence) -> Cause | None:
    """The kernel killed a container at its memory limit."""
    for pod, container, terminated in _ended(evidence):
        if terminated.get("reason") != "OOMKilled":
            continue
        subject = owner(evidence.scope, pod)
        name = str(container.get("name"))
        limit = limits(pod, name).get("memory")
        at = f" at its limit of {limit}" if limit else ""
        field = "spec.ray.head.resources.memory" if is_head(pod) else f"{subject.resources}.memory"
        least = memory_that_fits(subject)
        fits = f" to {least} or more (the weights, and a quarter for the KV cache)" if least else ""
        return Cause(
            Reason.OUT_OF_MEMORY, f"{where(pod)}: container {name} was killed for memory{at}; raise {field}{fits}"
        )
    return None


def evicted(evidence: Evidence) -> Cause | None:
    """The kubelet evicted a pod: of its own fault (disk, memory) or of its node's."""
    for pod in evidence.scope.pods:
        status = pod.get("status") or {}
        if status.get("reason") != "Evicted" or leaving(pod):
            continue
        message = str(status.get("message", ""))
        subject = owner(evidence.scope, pod)
        found = _USAGE.search(message)
        said = found["said"] if found else message.partition(". ")[0].rstrip(". ")
        if _DISK.search(message):
            return Cause(Reason.DISK_FULL, f"{where(pod)} was evicted: {said}; {subject.storage}")
        return Cause(Reason.POD_EVICTED, f"{where(pod)} was evicted from its node: {said}; it is made again")
    return None


def gcs_storage(evidence: Evidence) -> Cause | None:
    """The head ended because the Redis that keeps its state does not answer."""
    for pod, container, terminated in _ended(evidence):
        if is_head(pod) and container.get("name") == "ray-head" and _REDIS.search(str(terminated.get("message", ""))):
            said = _last_line(terminated)
            return Cause(
                Reason.GCS_STORAGE_LOST,
                f"head: its Redis does not answer, so it cannot start; repair it, or correct spec.ray.head.faultTolerance. {said}",
            )
    return None


def _last_line(terminated: Mapping[str, Any]) -> str:
    lines = [line.strip() for line in str(terminated.get("message") or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def crash_loop(evidence: Evidence) -> Cause | None:
    """A container is restarted in place again and again. How often is not said: the number grows."""
    for pod, container, terminated in _ended(evidence):
        waits = (container.get("state") or {}).get("waiting") or {}
        if waits.get("reason") != "CrashLoopBackOff" and int(container.get("restartCount") or 0) < _RESTARTS:
            continue
        if container.get("ready") or leaving(pod):
            continue
        said = _last_line(terminated)
        return Cause(
            Reason.CRASH_LOOP,
            f"{where(pod)}: container {container.get('name')} ends with {terminated.get('exitCode')} each time it is started"
            f"{': ' + said if said else '; see its log: kubectl logs --previous'}",
        )
    return None


def exited(evidence: Evidence) -> Cause | None:
    """Ray containers are not restarted in place (autoscaler v2: restartPolicy Never); KubeRay replaces their pod."""
    for pod, container, _ in _ended(evidence):
        ended = (container.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode", 0) not in _ORDERLY and not leaving(pod):
            message = f"{where(pod)}: container {container.get('name')} exited with {ended['exitCode']}"
            said = str(ended.get("message") or "").strip()
            return Cause(Reason.CONTAINER_EXITED, f"{message}: {said}" if said else f"{message}; see its log")
    return None
