"""What each edit costs, by the functions that decide it: Ray's code version of an application (a change restarts all its
replicas) and KubeRay's hash of a cluster (a change brings up another cluster)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from golden.case import CASES, Case
from ray.serve._private.deploy_utils import get_app_code_version
from ray.serve.schema import ServeDeploySchema

NOTHING: set[str] = set()


def versions(rayservice: dict[str, Any]) -> dict[str, str]:
    config = ServeDeploySchema.model_validate(json.loads(rayservice["spec"]["serveConfigV2"]))
    return {application.name: get_app_code_version(application) for application in config.applications}


def cluster_hash(rayservice: dict[str, Any], groups: int) -> str:
    """As KubeRay 1.6.2 (controllers/ray/utils/util.go, GenerateHashWithoutReplicasAndWorkersToDelete) sees it: without
    bounds, replicas and tolerations; of the first `groups` groups, since further ones are taken in place."""
    cluster = copy.deepcopy(rayservice["spec"]["rayClusterConfig"])
    cluster["workerGroupSpecs"] = cluster["workerGroupSpecs"][:groups]
    for group in cluster["workerGroupSpecs"]:
        for muted in ("replicas", "minReplicas", "maxReplicas", "scaleStrategy"):
            group.pop(muted, None)
        group["template"]["spec"].pop("tolerations", None)
    return json.dumps(cluster, sort_keys=False)


def edit(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The RayService before and after."""
    case = Case(CASES / name)
    before, after = case.steps[0].scope.child, case.steps[0].outcome.apply
    assert before is not None
    assert after is not None
    return json.loads(json.dumps(before)), after


@pytest.mark.parametrize(
    ("name", "restarted"),
    [
        ("edit-scaling", NOTHING),
        ("scale-schedule-opens", NOTHING),
        ("scale-fixed-to-autoscaled", NOTHING),
        ("edit-scaling-only-serve", NOTHING),
        ("edit-health", NOTHING),
        ("edit-aliases", NOTHING),
        ("edit-engine-argument", {"qwen"}),
        ("model-appended", NOTHING),
        ("model-removed", NOTHING),
        ("model-removed-then-another-added", NOTHING),
        ("edited-by-hand-serve-config", NOTHING),
        ("app-user-config-edited", NOTHING),
        ("app-fixed-becomes-autoscaled", NOTHING),
        ("app-actor-edited", NOTHING),  # restarts that deployment's replicas: tests/unit/plan/test_applications.py
        ("app-route-edited", NOTHING),
        ("app-appended-to-a-model", NOTHING),
        ("app-removed", NOTHING),
    ],
)
def test_edits_in_place(name: str, restarted: set[str]) -> None:
    before, after = edit(name)
    old, new = versions(before), versions(after)
    assert {app for app in old.keys() & new.keys() if old[app] != new[app]} == restarted
    groups = len(before["spec"]["rayClusterConfig"]["workerGroupSpecs"])
    assert cluster_hash(before, groups) == cluster_hash(after, groups), "KubeRay would start another cluster"


def test_another_image_is_another_cluster() -> None:
    before, after = edit("edit-image")
    assert versions(before) == versions(after)
    assert cluster_hash(before, 1) != cluster_hash(after, 1)
