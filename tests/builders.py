"""Objects for tests: `llm("a").gpu("H100", 8).tensor(8).object()`. One builder, used by every layer."""

from __future__ import annotations

import copy
from typing import Any

NOW = "2026-01-01T00:00:00Z"
UID = "00000000-0000-0000-0000-000000000001"


class LLM:
    """An LLMDeployment under construction; every method returns a new builder."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body

    def with_(self, path: str, value: Any) -> LLM:
        """Set a field: `with_("spec.models.0.scaling.minReplicas", 2)`."""
        body = copy.deepcopy(self._body)
        node: Any = body
        *parents, last = path.split(".")
        for part in parents:
            node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
        if isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value
        return LLM(body)

    def model(self, **fields: Any) -> LLM:
        """Set fields of the first model."""
        made = self
        for name, value in fields.items():
            made = made.with_(f"spec.models.0.{name}", value)
        return made

    def add_model(self, name: str, **fields: Any) -> LLM:
        """Append a model."""
        extra = {"name": name, "source": {"uri": f"hf://org/{name}"}, "accelerators": [{"type": "L4"}], **fields}
        return self.with_("spec.models", [*self._body["spec"]["models"], extra])

    def gpu(self, kind: str, count: int = 1) -> LLM:
        """Accelerators per pod."""
        return self.model(accelerators=[{"type": kind, "count": count}])

    def scaling(self, **numbers: int) -> LLM:
        """Scaling of the first model."""
        return self.model(scaling=numbers)

    def object(self) -> dict[str, Any]:
        """The finished object, a fresh copy."""
        return copy.deepcopy(self._body)


def llm(name: str = "qwen3-8b", namespace: str = "llm") -> LLM:
    """The smallest one: one model on one L4."""
    return LLM(
        {
            "apiVersion": "llm-operator.io/v1alpha1",
            "kind": "LLMDeployment",
            "metadata": {"name": name, "namespace": namespace, "uid": UID, "generation": 1},
            "spec": {
                "models": [{"name": name, "source": {"uri": "hf://Qwen/Qwen3-8B"}, "accelerators": [{"type": "L4"}]}]
            },
        }
    )


def applied(rayservice: dict[str, Any], generation: int = 1) -> dict[str, Any]:
    """A rendered RayService as the API server would give it back: with a generation and KubeRay's defaults."""
    live = copy.deepcopy(rayservice)
    live["metadata"] |= {
        "generation": generation,
        "resourceVersion": "1",
        "uid": "00000000-0000-0000-0000-0000000000aa",
    }
    for group in live["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        group.setdefault("replicas", 0)
    return live


def serving(
    rayservice: dict[str, Any], *models: str, state: str = "RUNNING", engine: str = "HEALTHY", message: str = ""
) -> dict[str, Any]:
    """The RayService with the status that KubeRay writes when its applications are in `state`."""
    live = copy.deepcopy(rayservice)
    statuses = {
        name: {
            "status": state,
            "message": message,
            "serveDeploymentStatuses": {
                "LLMServer:" + name.replace(".", "_"): {"status": engine, "message": message},
                "OpenAiIngress": {"status": "HEALTHY"},
            },
        }
        for name in models
    }
    ready = state == "RUNNING"
    live["status"] = {
        "observedGeneration": live["metadata"]["generation"],
        "conditions": [
            {
                "type": "Ready",
                "status": str(ready),
                "reason": "NonZeroServeEndpoints" if ready else "Initializing",
                "message": "",
            },
            {"type": "UpgradeInProgress", "status": "False", "reason": "NoPendingCluster", "message": ""},
        ],
        "activeServiceStatus": {"rayClusterName": f"{live['metadata']['name']}-abcde", "applicationStatuses": statuses},
        "pendingServiceStatus": {},
    }
    return live
