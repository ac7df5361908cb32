"""PodDisruptionBudget of the head: nobody evicts the pod whose loss stops all models."""

from typing import Any, Final

from llm_operator.api import names
from llm_operator.plan.plan import Plan

# All of them. "100%" and maxUnavailable need an owner with a scale subresource, which a RayCluster does not have
# (Kubernetes 1.34, pkg/controller/disruption/disruption.go, getExpectedScale); and with 1 an upgrade, which has two
# heads, would let the serving one go.
_ALL_HEADS: Final = 100


def head_budget(plan: Plan) -> dict[str, Any]:
    """Refuses voluntary evictions of every head that is healthy. One that is not ready may go: it protects nothing."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": f"{plan.name}-head"},
        "spec": {
            "minAvailable": _ALL_HEADS,
            "selector": {"matchLabels": {names.DEPLOYMENT_LABEL: plan.name, names.RAY_NODE_TYPE_LABEL: "head"}},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
