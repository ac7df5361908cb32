"""What a change does, by the functions that decide it: Ray's own code version and deployment version, and KubeRay's hash as
tests/golden/test_restarts.py has it. Shares no code with llm_operator.change."""

from __future__ import annotations

import json
from typing import Any

from golden.case import stored
from golden.test_restarts import cluster_hash, versions
from ray.serve._private.config import DeploymentConfig
from ray.serve._private.version import DeploymentVersion
from ray.serve.schema import DeploymentSchema, ServeDeploySchema


def deployment_versions(rayservice: dict[str, Any]) -> dict[tuple[str, str], DeploymentVersion]:
    """Of each override, with the application's code version; options that it does not say are those of the code."""
    config = ServeDeploySchema.model_validate(json.loads(rayservice["spec"]["serveConfigV2"]))
    codes = versions(rayservice)
    return {
        (application.name, deployment.name): _version(codes[application.name], deployment)
        for application in config.applications
        for deployment in application.deployments
    }


def _version(code: str, deployment: DeploymentSchema) -> DeploymentVersion:
    said = deployment.model_dump(exclude_unset=True)
    return DeploymentVersion(
        code_version=code,
        deployment_config=DeploymentConfig(),
        ray_actor_options=said.get("ray_actor_options"),
        placement_group_bundles=said.get("placement_group_bundles"),
        placement_group_strategy=said.get("placement_group_strategy"),
        max_replicas_per_node=said.get("max_replicas_per_node"),
    )


def restarted(live: dict[str, Any], wanted: dict[str, Any]) -> dict[str, set[str]]:
    """Application → deployments whose replicas restart, of applications that are there before and after."""
    codes = versions(live), versions(wanted)
    old, new = deployment_versions(live), deployment_versions(wanted)
    found: dict[str, set[str]] = {}
    for application, name in new:
        if application not in codes[0]:
            continue
        before = old.get((application, name))
        if codes[0][application] != codes[1][application] or (
            before is not None and before.requires_actor_restart(new[application, name])
        ):
            found.setdefault(application, set()).add(name)
    return found


def new_cluster(live: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether KubeRay would start another one."""
    count = len(live["spec"]["rayClusterConfig"]["workerGroupSpecs"])
    return cluster_hash(live, count) != cluster_hash(wanted, count)


def expected(live: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The class."""
    if new_cluster(live, wanted):
        return "NewCluster"
    if restarted(live, wanted):
        return "ReplicaRestart"
    same = stored(wanted, live, [])
    old, new = live["metadata"].get("labels", {}), wanted["metadata"].get("labels", {})
    label = any(old.get(key) != value for key, value in new.items())
    return "InPlace" if _said(same) != _said(live) or label else "None"


def _said(rayservice: dict[str, Any]) -> dict[str, Any]:
    """The spec as KubeRay reads it: the Serve configuration parsed, the autoscaler's number left out."""
    spec = json.loads(json.dumps(rayservice["spec"]))
    spec["serveConfigV2"] = json.loads(spec["serveConfigV2"])
    for group in spec["rayClusterConfig"]["workerGroupSpecs"]:
        if spec["rayClusterConfig"]["enableInTreeAutoscaling"]:
            group.pop("replicas", None)
    return dict(spec)
