"""Pod templates of the head and of worker groups: restricted, explicit, in a fixed order (order decides restarts)."""

from typing import Any, Final

from llm_operator.api import names, quantity
from llm_operator.api.types import EnvVar, SecretKeyRef, Toleration
from llm_operator.plan.plan import GroupPlan, Plan, PodResources
from llm_operator.render.metadata import labels

_UID: Final = 1000  # user `ray` of the rayproject images and of serve-cpu
_WORKER_GRACE_SECONDS: Final = 120
# No request passes the head, and its autoscaler container (KubeRay 1.6.2, Ray 2.60) never ends on SIGTERM: a longer
# period would only make every deletion take so long.
_HEAD_GRACE_SECONDS: Final = 30
_SHM: Final = "shared-mem"  # KubeRay's own name for it (1.6.2, controllers/ray/common/pod.go)

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

# No usage reports leave the cluster.
_COMMON_ENV: Final = (("DO_NOT_TRACK", "1"), ("RAY_USAGE_STATS_ENABLED", "0"), ("VLLM_NO_USAGE_STATS", "1"))

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
    if resources.devices is not None:
        fixed[resources.devices[0]] = str(resources.devices[1])
    return {"requests": {"cpu": quantity.canonical(resources.cpu), **fixed}, "limits": fixed}


def _env_literal(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _env_secret(name: str, ref: SecretKeyRef) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": ref.name, "key": ref.key}}}


def _env_user(env: EnvVar) -> dict[str, Any]:
    if env.secret_key_ref is not None:
        return _env_secret(env.name, env.secret_key_ref)
    # Go's types leave an empty value out (core/v1 EnvVar), and KubeRay writes a RayService through them: see `canonical`.
    return {"name": env.name, "value": env.value} if env.value else {"name": env.name}


def _cpu_engine_env(group: GroupPlan) -> tuple[tuple[str, str], ...]:
    """vLLM 0.29 on CPU: KV cache in GiB (its own default is a share of the host), no pinning (`auto` pins every engine of
    a node to the same core), and as many threads as whole CPUs were asked for."""
    gibibytes = max(1, int(quantity.parse(group.resources.memory) // quantity.GIB) // 4)
    threads = max(1, int(quantity.parse(group.resources.cpu)))
    return (
        ("OMP_NUM_THREADS", str(threads)),
        ("VLLM_CPU_KVCACHE_SPACE", str(gibibytes)),
        ("VLLM_CPU_OMP_THREADS_BIND", "nobind"),
    )


def _worker_env(group: GroupPlan) -> list[dict[str, Any]]:
    users = {env.name for env in group.env}
    defaults = _COMMON_ENV + (_cpu_engine_env(group) if group.cpu_only else ())
    env = _env_literal(tuple(pair for pair in defaults if pair[0] not in users))
    if group.token is not None:
        env.append(_env_secret("HF_TOKEN", group.token))
    return env + [_env_user(variable) for variable in group.env]


def _container(name: str, image: str, resources: PodResources, ports: tuple[tuple[str, int], ...]) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": port, "containerPort": number, "protocol": "TCP"} for port, number in ports],
        "resources": _resources(resources),
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [{"name": _SHM, "mountPath": "/dev/shm"}],  # noqa: S108 - the mount point NCCL and Ray use
    }


def _volumes(resources: PodResources) -> list[dict[str, Any]]:
    return [{"name": _SHM, "emptyDir": {"medium": "Memory", "sizeLimit": quantity.canonical(resources.shared_memory)}}]


def _toleration(toleration: Toleration) -> dict[str, Any]:
    return toleration.model_dump(by_alias=True, exclude_none=True)


def head_template(plan: Plan) -> dict[str, Any]:
    """Pod template of the head. Its service account is KubeRay's (the autoscaler needs it)."""
    container = _container("ray-head", plan.head_image, plan.head, HEAD_PORTS)
    return {
        "metadata": {"labels": labels(plan)},
        "spec": {
            "containers": [{**container, "env": _env_literal(_COMMON_ENV)}],
            "securityContext": _pod_security(),
            "terminationGracePeriodSeconds": _HEAD_GRACE_SECONDS,
            "volumes": _volumes(plan.head),
        },
    }


def worker_template(plan: Plan, group: GroupPlan) -> dict[str, Any]:
    """Pod template of one worker group; without a service account token."""
    container = _container("ray-worker", group.image, group.resources, WORKER_PORTS)
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "containers": [{**container, "env": _worker_env(group)}],
        "securityContext": _pod_security(),
        "terminationGracePeriodSeconds": _WORKER_GRACE_SECONDS,
        "volumes": _volumes(group.resources),
    }
    if group.node_selector:
        spec["nodeSelector"] = dict(group.node_selector)
    if group.tolerations:
        spec["tolerations"] = [_toleration(toleration) for toleration in group.tolerations]
    if group.runtime_class_name is not None:
        spec["runtimeClassName"] = group.runtime_class_name
    return {"metadata": {"labels": {**labels(plan), names.MODEL_LABEL: group.name}}, "spec": spec}
