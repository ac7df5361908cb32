"""What breaks. Each fault is one call; `harmless` ones must not cost a single request."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cluster import env, names
from cluster.engine import docker
from e2e import kube

NAME: Final = "chaos"
_CUT_SECONDS: Final = 10
_KILL_REPLICA: Final = """
import os, signal
found = []
for entry in os.listdir("/proc"):
    if entry.isdigit():
        try:
            words = open(f"/proc/{entry}/cmdline").read().replace(chr(0), " ")
        except OSError:
            continue
        if words.startswith("ray::ServeReplica:") and "LLMServer" in words:
            found.append(int(entry))
print(found)
[os.kill(pid, signal.SIGKILL) for pid in found[:1]]
assert found
"""
_CUT: Final = (
    "iptables -I FORWARD -s {ip} -j DROP && iptables -I FORWARD -d {ip} -j DROP && sleep {seconds};"
    " iptables -D FORWARD -s {ip} -j DROP; iptables -D FORWARD -d {ip} -j DROP"
)
_KILL_API_SERVER: Final = """
container=$(crictl ps --quiet --name kube-apiserver)
kill -9 "$(crictl inspect --output go-template --template '{{.info.pid}}' "$container")"
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. `harmless`: requests go on being answered meanwhile, whoever is hit is not on their way."""

    name: str
    strike: Callable[[random.Random], None]
    harmless: bool


def _pods(kind: str) -> list[dict[str, Any]]:
    found = kube.items("pods", f"llm-operator.io/deployment={NAME},ray.io/node-type={kind}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] == "Running"]


def _delete_pod(namespace: str, selector: str) -> Callable[[random.Random], None]:
    def strike(chance: random.Random) -> None:
        found = kube.items("pods", selector, namespace)
        chosen = chance.choice(sorted(pod["metadata"]["name"] for pod in found))
        env.kubectl("delete", "pod", chosen, "-n", namespace, "--grace-period=0", "--force", "--wait=false")

    return strike


def _ray_pod(kind: str) -> Callable[[random.Random], None]:
    def strike(chance: random.Random) -> None:
        chosen = chance.choice(sorted(pod["metadata"]["name"] for pod in _pods(kind)))
        env.kubectl("delete", "pod", chosen, "-n", kube.NAMESPACE, "--grace-period=0", "--force", "--wait=false")

    return strike


def _replica(chance: random.Random) -> None:
    """SIGKILL to the actor's process; its pod stays."""
    chosen = chance.choice(sorted(pod["metadata"]["name"] for pod in _pods("worker")))
    env.kubectl("exec", chosen, "-n", kube.NAMESPACE, "-c", "ray-worker", "--", "python3", "-c", _KILL_REPLICA)


def _edit(chance: random.Random) -> None:
    """Somebody edits the RayService by hand: nothing that a running cluster notices before it is put back."""
    value = chance.randint(3600, 7200)
    operation = {"op": "replace", "path": "/spec/rayClusterDeletionDelaySeconds", "value": value}
    kube.patch(kube.RAY_SERVICE, NAME, operation)


def _api_server(chance: random.Random) -> None:
    docker("exec", names.NODE, "sh", "-c", _KILL_API_SERVER)


def _cut(chance: random.Random) -> None:
    """A worker's network is gone for some seconds: its node drops all of its packets."""
    pod = chance.choice(sorted(_pods("worker"), key=lambda found: str(found["metadata"]["name"])))
    command = _CUT.format(ip=pod["status"]["podIP"], seconds=_CUT_SECONDS)
    docker("exec", pod["spec"]["nodeName"], "sh", "-c", command)


FAULTS: Final = (
    Fault("operator killed", _delete_pod(names.OPERATOR_NAMESPACE, "app.kubernetes.io/name=llm-operator"), True),
    Fault("KubeRay killed", _delete_pod(names.KUBERAY_NAMESPACE, "app.kubernetes.io/component=kuberay-operator"), True),
    Fault("RayService edited by hand", _edit, True),
    Fault("API server killed", _api_server, True),
    Fault("worker pod deleted", _ray_pod("worker"), False),
    Fault("replica killed", _replica, False),
    Fault("worker cut off for 10 s", _cut, False),
    Fault("head pod deleted", _ray_pod("head"), False),
)
