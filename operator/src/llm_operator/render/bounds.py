"""Worker group bounds of live RayClusters. KubeRay leaves min/maxReplicas out of its hash and does not copy them to a
running cluster (1.6.2, utils/util.go), and neither does it fight a patch there."""

from typing import Any

from llm_operator.outcome import ClusterPatch
from llm_operator.plan.inputs import Object


def _operations(index: int, live: dict[str, Any], wanted: dict[str, Any]) -> list[dict[str, Any]]:
    base = f"/spec/workerGroupSpecs/{index}"
    changes = [
        {"op": "replace", "path": f"{base}/{key}", "value": wanted[key]}
        for key in ("minReplicas", "maxReplicas")
        if live.get(key) != wanted[key]
    ]
    # The test makes the patch fail, and not hit another group, when the list has changed meanwhile.
    return [{"op": "test", "path": f"{base}/groupName", "value": wanted["groupName"]}, *changes] if changes else []


def cluster_patch(cluster: Object, groups: list[dict[str, Any]]) -> ClusterPatch | None:
    """The patch that brings one RayCluster's bounds to those of the wanted groups; None when they are equal."""
    wanted = {group["groupName"]: group for group in groups}
    operations: list[dict[str, Any]] = []
    for i, live in enumerate(cluster.get("spec", {}).get("workerGroupSpecs", ())):
        if live.get("groupName") in wanted:
            operations += _operations(i, live, wanted[live["groupName"]])
    return ClusterPatch(cluster["metadata"]["name"], tuple(operations)) if operations else None
