"""Pod templates of the head and of worker groups: restricted, explicit, in a fixed order (order decides restarts)."""

from collections.abc import Mapping
from typing import Any, Final

from llm_operator.api import names, quantity
from llm_operator.api.spec.hardware import Toleration
from llm_operator.plan.plan import Plan
from llm_operator.plan.pods import GroupPlan, Mount, PodResources
from llm_operator.render.drain import worker_grace_seconds
from llm_operator.render.env import head_env, worker_env
from llm_operator.render.metadata import labels
from llm_operator.render.versions import service_links
from llm_operator.render.volumes import SHM, shared_memory, volume_mounts, volumes

_UID: Final = 1000  # user `ray` of the rayproject images and of serve-cpu
# No request passes the head, and its autoscaler container (KubeRay 1.6.2, Ray 2.60) never ends on SIGTERM: a longer
# period would only make every deletion take so long.
_HEAD_GRACE_SECONDS: Final = 30

# KubeRay adds no default port once one is declared, and finds the dashboard and Serve by name
# (KubeRay 1.6.2, controllers/ray/utils/constant.go).
HEAD_PORTS: Final = (
    ("gcs-server", 6379),
    ("client", 10001),
    ("dashboard", 8265),
    ("metrics", 8080),
    ("serve", names.SERVE_PORT),
    ("as-metrics", 44217),
    ("dash-metrics", 44227),
)
WORKER_PORTS: Final = (("metrics", 8080), ("serve", names.SERVE_PORT))

CONTAINER_SECURITY: Final[dict[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def _pod_security() -> dict[str, Any]:
    return {
        "runAsNonRoot": True,
        "runAsUser": _UID,
        "runAsGroup": _UID,
        "fsGroup": _UID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _resources(resources: PodResources) -> dict[str, Any]:
    """Memory and devices: request = limit. CPU: a request only, since a throttled engine misses its health checks."""
    fixed: dict[str, str] = {"memory": quantity.canonical(resources.memory)}
    if resources.ephemeral_storage is not None:
        fixed["ephemeral-storage"] = quantity.canonical(resources.ephemeral_storage)
    fixed |= {name: str(count) for name, count in resources.devices}
    return {"requests": {"cpu": quantity.canonical(resources.cpu), **fixed}, "limits": fixed}


def _container(
    name: str,
    image: str,
    resources: PodResources,
    ports: tuple[tuple[str, int], ...],
    mounts: tuple[Mount, ...] = (),
) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": port, "containerPort": number, "protocol": "TCP"} for port, number in ports],
        "resources": _resources(resources),
        "securityContext": CONTAINER_SECURITY,
        # The mount point that NCCL and Ray use.
        "volumeMounts": [{"name": SHM, "mountPath": "/dev/shm"}, *volume_mounts(mounts)],  # noqa: S108
    }


def _toleration(toleration: Toleration) -> dict[str, Any]:
    return toleration.model_dump(by_alias=True, exclude_none=True)


def _priority(plan: Plan) -> dict[str, Any]:
    name = plan.scheduling.priority_class_name
    return {} if name is None else {"priorityClassName": name}


def head_template(plan: Plan, annotations: Mapping[str, str]) -> dict[str, Any]:
    """Pod template of the head. Its service account is KubeRay's (the autoscaler needs it)."""
    container = _container("ray-head", plan.head_image, plan.head, HEAD_PORTS)
    metadata: dict[str, Any] = {"labels": labels(plan)}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {
        "metadata": metadata,
        "spec": {
            "containers": [{**container, "env": head_env(plan)}],
            **service_links(plan),
            "securityContext": _pod_security(),
            "terminationGracePeriodSeconds": _HEAD_GRACE_SECONDS,
            "volumes": [shared_memory(plan.head)],
            **_priority(plan),
        },
    }


def _spread(plan: Plan, group: GroupPlan) -> list[dict[str, Any]]:
    """Over the pods of one group of one object: an upgrade's second cluster counts too, as it does for the scheduler."""
    selector = {"matchLabels": {names.DEPLOYMENT_LABEL: plan.name, names.MODEL_LABEL: group.owner}}
    return [
        {**constraint.model_dump(by_alias=True), "labelSelector": selector}
        for constraint in plan.scheduling.topology_spread
    ]


def _where(plan: Plan, group: GroupPlan) -> dict[str, Any]:
    """What the Kubernetes scheduler looks at; absent when there is nothing to say."""
    wishes: dict[str, Any] = {
        "nodeSelector": dict(group.node_selector),
        "tolerations": [_toleration(toleration) for toleration in group.tolerations],
        "topologySpreadConstraints": _spread(plan, group),
    }
    if group.runtime_class_name is not None:
        wishes["runtimeClassName"] = group.runtime_class_name
    return {key: value for key, value in wishes.items() if value} | _priority(plan)


def worker_template(plan: Plan, group: GroupPlan) -> dict[str, Any]:
    """Pod template of one worker group; without a service account token."""
    container = _container("ray-worker", group.image, group.resources, WORKER_PORTS, group.mounts)
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "containers": [{**container, "env": worker_env(plan, group)}],
        **service_links(plan),
        "securityContext": _pod_security(),
        "terminationGracePeriodSeconds": worker_grace_seconds(plan),
        "volumes": [shared_memory(group.resources), *volumes(group.mounts)],
        **_where(plan, group),
    }
    return {"metadata": {"labels": {**labels(plan), names.MODEL_LABEL: group.owner}}, "spec": spec}
