"""Shape and resources of a model (or half of one) → its worker groups."""

from dataclasses import dataclass

from llm_operator.api import quantity
from llm_operator.api.errors import FieldError, InvalidSpec
from llm_operator.api.spec.hardware import Accelerator, ModelResources
from llm_operator.api.spec.source import EnvVar
from llm_operator.plan import catalog
from llm_operator.plan.placement import Shape, devices_per_pod
from llm_operator.plan.pods import GroupPlan, Pairs, PodResources
from llm_operator.plan.sources import PodSource


@dataclass(frozen=True, slots=True)
class PodSpec:
    """What all pods of a model have in common."""

    resources_path: str
    """Where `resources` stands in the spec."""
    owner: str
    image: str
    resources: ModelResources
    env: tuple[EnvVar, ...]
    source: PodSource
    default_env: Pairs = ()
    idle_timeout_seconds: int | None = None


def pod_resources(path: str, resources: ModelResources, accelerator: Accelerator | None) -> PodResources:
    """Kubernetes resources of one pod; `path` is that of `resources`. Raises InvalidSpec when /dev/shm does not fit."""
    cpu_only = accelerator is None or accelerator.type == "CPU"
    count = devices_per_pod(accelerator) if accelerator is not None else 1
    memory = resources.memory or (
        catalog.CPU_ONLY_MEMORY if cpu_only else quantity.mebibytes(catalog.MEMORY_PER_ACCELERATOR * count)
    )
    shared = resources.shared_memory or quantity.mebibytes(quantity.parse(memory) / 2)
    if quantity.parse(shared) >= quantity.parse(memory):
        message = f"{shared} must be less than memory ({memory}): it counts against it"
        raise InvalidSpec((FieldError(f"{path}.sharedMemory", message),))
    devices: list[tuple[str, int]] = []
    if accelerator is not None and not cpu_only:
        devices.append((accelerator.resource_name or catalog.device(accelerator.type), count))
    if resources.rdma is not None:
        devices.append((resources.rdma.resource_name, resources.rdma.count))
    return PodResources(
        cpu=resources.cpu or (catalog.CPU_ONLY_CPU if cpu_only else str(catalog.CPU_PER_ACCELERATOR * count)),
        memory=memory,
        shared_memory=shared,
        ephemeral_storage=resources.ephemeral_storage,
        devices=tuple(devices),
    )


def _cpu_engine_env(resources: PodResources) -> tuple[tuple[str, str], ...]:
    """vLLM 0.29 on CPU: KV cache in GiB (its own default is a share of the host), no pinning (`auto` pins every engine of
    a node to the same core), and as many threads as whole CPUs were asked for."""
    gibibytes = max(1, int(quantity.parse(resources.memory) // quantity.GIB) // 4)
    threads = max(1, int(quantity.parse(resources.cpu)))
    return (
        ("OMP_NUM_THREADS", str(threads)),
        ("VLLM_CPU_KVCACHE_SPACE", str(gibibytes)),
        ("VLLM_CPU_OMP_THREADS_BIND", "nobind"),
    )


def worker_group(pod: PodSpec, name: str, token: str, shape: Shape, bounds: tuple[int, int]) -> GroupPlan:
    """`token`: the group whose resource the pods offer; `bounds`: fewest and most replicas on pods of this kind."""
    accelerator = shape.accelerator
    resources = pod_resources(pod.resources_path, pod.resources, accelerator)
    tolerations = accelerator.tolerations
    if not shape.cpu_only:
        tolerations = (catalog.device_toleration(resources.devices[0][0]), *tolerations)
    default_env = pod.source.default_env + pod.default_env + (_cpu_engine_env(resources) if shape.cpu_only else ())
    return GroupPlan(
        name=name,
        owner=pod.owner,
        image=pod.image,
        resources=resources,
        ray_resources=shape.ray_resources(token),
        min_pods=shape.pods(bounds[0]) // shape.hosts,
        max_pods=shape.pods(bounds[1]) // shape.hosts,
        hosts=shape.hosts,
        node_selector=tuple(sorted({**accelerator.node_selector, **catalog.tpu_node_labels(accelerator)}.items())),
        tolerations=tolerations,
        runtime_class_name=accelerator.runtime_class_name,
        default_env=tuple(sorted(default_env)),
        secret_env=pod.source.secret_env,
        env=pod.env,
        mounts=pod.source.mounts,
        idle_timeout_seconds=pod.idle_timeout_seconds,
    )


def split(fewest: int, most: int, shapes: tuple[Shape, ...]) -> tuple[tuple[int, int], ...]:
    """Fewest and most replicas on each kind of pods: the first takes the fewest as far as its maxReplicas allows."""
    bounds, left = [], fewest
    for shape in shapes:
        limit = min(most, shape.accelerator.max_replicas or most)
        floor = min(left, limit)
        bounds.append((floor, limit))
        left -= floor
    return tuple(bounds)
