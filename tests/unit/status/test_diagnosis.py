"""The order in which causes are believed; each cause alone is a golden case."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Scope
from llm_operator.status.diagnosis import FINDERS, diagnose
from llm_operator.status.observed import observe

PARENT = {"metadata": {"name": "chat", "namespace": "llm"}}
NOW = "2026-01-01T00:10:00Z"


def pod(status: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"labels": {"ray.io/node-type": "worker", "ray.io/group": "a"}}, "status": status}


def container(**state: Any) -> dict[str, Any]:
    return pod({"containerStatuses": [{"name": "ray-worker", "image": "i", **state}]})


def ready(reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": "False", "reason": reason, "message": "m"}]}


def application(status: str, message: str = "m") -> dict[str, Any]:
    said = {"status": status, "message": message}
    return {"activeServiceStatus": {"rayClusterName": "c", "applicationStatuses": {"a": said}}}


def ended(exit_code: int = 1, **state: Any) -> dict[str, Any]:
    return container(state={"terminated": {"exitCode": exit_code, **state}})


HEAD = {"ray.io/node-type": "head"}
REDIS = {"name": "ray-head", "state": {"terminated": {"exitCode": 1, "message": "Failed to connect to Redis."}}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}
LASTING = {"type": "Degraded", "status": "True", "reason": "ContainerExited", "message": "m", "observedGeneration": 0}
UNMOUNTED = {
    "phase": "Pending",
    "conditions": [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "PodReadyToStartContainers", "status": "False"},
    ],
}
VOLUMES = {"volumes": [{"persistentVolumeClaim": {"claimName": "weights"}}]}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}

# In the order of FINDERS: what is told when several are true. Two are not here: silent needs a generation that KubeRay has not
# seen, never_fits a plan.
CAUSES: list[tuple[Reason, dict[str, Any]]] = [
    (Reason.KUBERAY_REJECTED, {"status": ready("ValidationFailed")}),
    (Reason.PODS_FORBIDDEN, {"clusters": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "m"}]}}),
    (Reason.IMAGE_PULL_FAILED, {"pod": container(state={"waiting": {"reason": "ErrImagePull", "message": "m"}})}),
    (Reason.SECRET_KEY_MISSING, {"pod": container(state={"waiting": {"reason": "CreateContainerConfigError", "message": "m"}})}),
    (Reason.VOLUME_NOT_READY, {"pod": pod(UNMOUNTED) | {"spec": VOLUMES}}),
    (Reason.MODEL_REVISION_NOT_FOUND, {"status": application("DEPLOYING", "v9 is not a valid git identifier (branch name")}),
    (Reason.GCS_STORAGE_LOST, {"pod": {"metadata": {"labels": HEAD}, "status": {"containerStatuses": [REDIS]}}}),
    (Reason.OUT_OF_MEMORY, {"pod": container(lastState={"terminated": {"reason": "OOMKilled"}})}),
    (Reason.DISK_FULL, {"pod": pod({"reason": "Evicted", "message": "Pod ephemeral local storage usage exceeds the total limit 1Gi. "})}),
    (Reason.CRASH_LOOP, {"pod": container(state=BACK_OFF, lastState={"terminated": {"exitCode": 2}})}),
    (Reason.CONTAINER_EXITED, {"pod": ended(reason="Error")}),
    (Reason.CONTAINER_EXITED, {"conditions": [LASTING]}),
    (Reason.DEPLOY_FAILED, {"status": application("DEPLOY_FAILED")}),
    (Reason.UNSCHEDULABLE, {"pod": pod({"conditions": [UNSCHEDULABLE]})}),
    (Reason.UNHEALTHY, {"status": application("UNHEALTHY")}),
]  # fmt: skip


def found(*facts: dict[str, Any]) -> Reason | None:
    status: dict[str, Any] = {}
    for fact in facts:
        status |= fact.get("status", {})
    pods = tuple(fact["pod"] for fact in facts if "pod" in fact)
    clusters = tuple({"status": fact["clusters"]} for fact in facts if "clusters" in fact)
    conditions = [each for fact in facts for each in fact.get("conditions", ())]
    scope = Scope(parent={**PARENT, "status": {"conditions": conditions}}, now=NOW, pods=pods, clusters=clusters)
    cause = diagnose(scope, observe({"status": status}))
    return None if cause is None else cause.reason


@pytest.mark.parametrize(("reason", "fact"), CAUSES)
def test_alone(reason: Reason, fact: dict[str, Any]) -> None:
    assert found(fact) is reason


PAIRS = [
    (first, second)
    for first, second in itertools.combinations(CAUSES, 2)
    if not (
        "activeServiceStatus" in first[1].get("status", {}) and "activeServiceStatus" in second[1].get("status", {})
    )
]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda cause: cause[0].value)
def test_the_first_in_the_order_is_believed(first: Any, second: Any) -> None:
    assert found(first[1], second[1]) is first[0]
    assert found(second[1], first[1]) is first[0]


def test_every_finder_is_in_the_order() -> None:
    assert len(FINDERS) == len(CAUSES) + 2


def test_nothing_is_wrong() -> None:
    assert found() is None
    assert (
        found({"pod": pod({"phase": "Running", "containerStatuses": [{"state": {"running": {}}, "ready": False}]})})
        is None
    )
    assert found({"pod": {"metadata": {}}}) is None
    assert found({"pod": container(state={"terminated": {"reason": "Completed", "exitCode": 0}})}) is None
    assert found({"clusters": {"conditions": [{"type": "ReplicaFailure", "status": "False"}]}}) is None


@pytest.mark.parametrize(
    ("message", "want"),
    [
        ("rpc error: not found", "not found"),
        ('Back-off pulling image "i": ErrImagePull: rpc error: not found', "rpc error: not found"),
        ('Back-off pulling image "i"', "check spec.models[].engine.image or spec.ray.image"),
    ],
)
def test_a_pull_error_does_not_flap(message: str, want: str) -> None:
    """The kubelet alternates between the error and its back-off; the status must not tick."""
    scope = Scope(
        parent=PARENT, now="", pods=(container(state={"waiting": {"reason": "ImagePullBackOff", "message": message}}),)
    )
    cause = diagnose(scope, observe({}))
    assert cause is not None
    assert cause.message.endswith(want)
    assert "Back-off" not in cause.message
