"""Ray Serve's own view of a deployment, read inside the head pod: its REST API wants the cluster's token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from cluster import env
from e2e import kube

# Ray 2.60.0, dashboard/modules/serve/serve_head.py: GET answers ServeInstanceDetails.
_SCRIPT: Final = """
import os, urllib.request
request = urllib.request.Request("http://127.0.0.1:8265/api/serve/applications/")
request.add_header("Authorization", "Bearer " + os.environ["RAY_AUTH_TOKEN"])
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine's deployment of one model as Serve has it."""

    status: str
    replicas: frozenset[str]
    """Ids of the replicas that run."""
    config: dict[str, Any]


def applications(name: str) -> dict[str, Any]:
    """Application → its details as Serve says them (ApplicationDetails), of the serving cluster of one LLMDeployment."""
    cluster = kube.existing(kube.RAY_SERVICE, name)["status"]["activeServiceStatus"]["rayClusterName"]
    (head,) = kube.items("pods", f"ray.io/cluster={cluster},ray.io/node-type=head")
    pod = head["metadata"]["name"]
    printed = env.read_in_pod(kube.NAMESPACE, pod, "python3", "-c", _SCRIPT, container="ray-head")
    found: dict[str, Any] = json.loads(printed)["applications"]
    return found


def engines(name: str) -> dict[str, EngineState]:
    """Model → its engine, of the serving cluster of one LLMDeployment."""
    return {
        model: _engine(details)
        for model, application in applications(name).items()
        for deployment, details in application["deployments"].items()
        if ":" in deployment  # LLMServer:<model>, AliasServer:<model>, …; an ingress has no colon
    }


def _engine(details: dict[str, Any]) -> EngineState:
    running = frozenset(replica["replica_id"] for replica in details["replicas"] if replica["state"] == "RUNNING")
    return EngineState(details["status"], running, details["deployment_config"])


def replica_ids(name: str, model: str) -> frozenset[str]:
    """Ids of one model's running replicas; none while Serve builds its application anew."""
    found = engines(name).get(model)
    return found.replicas if found else frozenset()
