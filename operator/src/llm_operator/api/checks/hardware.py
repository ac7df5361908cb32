"""Accelerators, parallelism, resources: one model's, or a half's. Twins of api/rules/hardware.py, and what CEL cannot say."""

from collections.abc import Iterator
from math import floor

from llm_operator.api import quantity
from llm_operator.api.accelerators import AcceleratorType
from llm_operator.api.checks.accelerator import check_one
from llm_operator.api.errors import FieldError
from llm_operator.api.rules import hardware as rules
from llm_operator.api.spec.hardware import Accelerator, ModelResources, Parallelism
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.scaling import Scaling
from llm_operator.api.tpu import TOPOLOGIES, tpu_slice

_UTILIZATION = ("gpu_memory_utilization", "gpu-memory-utilization")


def engines_per_device(share: float) -> int:
    """Replicas that fit on one GPU; Ray counts in steps of 0.0001."""
    return floor(1 / share + 1e-9)


def _pods_shape(path: str, accelerator: Accelerator, parallelism: Parallelism) -> Iterator[FieldError]:
    tensor, pipeline, count = parallelism.tensor, parallelism.pipeline, accelerator.count
    need = tensor * pipeline
    if accelerator.type == "CPU" or accelerator.share is not None:
        if need != 1:
            yield FieldError(f"{path}.parallelism", rules.CPU_PARALLEL.message)
    elif count % need and (need % count or count % tensor):
        yield FieldError(
            f"{path}.parallelism",
            f"a replica needs tensor x pipeline = {tensor} x {pipeline} = {need} accelerators, which pods of {count} "
            f"cannot hold: accelerators[].count must be a multiple of {need}, or a divisor of it that {tensor} divides "
            "(then a replica takes several pods)",
        )


def _tpu_shape(path: str, accelerator: Accelerator, parallelism: Parallelism, scaling: Scaling) -> Iterator[FieldError]:
    topology = accelerator.topology
    if topology is None or topology not in TOPOLOGIES[accelerator.type]:
        return
    shape = tpu_slice(accelerator.type, topology)
    need = parallelism.tensor * parallelism.pipeline
    if need != shape.chips:
        yield FieldError(
            f"{path}.parallelism",
            f"a replica takes a whole slice {topology} = {shape.chips} chips: tensor x pipeline = "
            f"{parallelism.tensor} x {parallelism.pipeline} = {need} must be {shape.chips}",
        )
    fixed = scaling.min_replicas == most_replicas(scaling) and not scaling.schedules
    if shape.hosts > 1 and not fixed:
        yield FieldError(
            f"{path}.scaling",
            f"slices of {shape.hosts} hosts cannot be autoscaled (Ray asks for one host first, KubeRay adds whole slices): "
            "minReplicas must equal maxReplicas, without schedules",
        )


def most_replicas(scaling: Scaling) -> int:
    """The most that are ever wanted, schedules included."""
    most = scaling.max_replicas or max(1, scaling.min_replicas)
    wanted = [max(window.max_replicas or most, window.min_replicas or 0) for window in scaling.schedules]
    return max(most, *wanted) if wanted else most


def _data(path: str, accelerators: tuple[Accelerator, ...], parallelism: Parallelism) -> Iterator[FieldError]:
    """Ray places all engines of a replica as one group, over any pods that have room."""
    if parallelism.data == 1:
        return
    here = f"{path}.parallelism.data"
    if len(accelerators) > 1:
        yield FieldError(
            here,
            "the engines of one replica could land on different accelerators: list one in accelerators, or set it to 1",
        )
    if any(accelerator.share is not None for accelerator in accelerators):
        yield FieldError(
            here, "the engines of one replica cannot share a GPU (NCCL refuses it): remove share, or set it to 1"
        )
    if any(accelerator.type.is_tpu for accelerator in accelerators):
        yield FieldError(here, "Ray Serve LLM 2.60 reserves a TPU slice for one engine: set it to 1")


def _several(path: str, accelerators: tuple[Accelerator, ...], parallelism: Parallelism) -> Iterator[FieldError]:
    kinds = {(accelerator.type == "CPU", accelerator.type.is_tpu) for accelerator in accelerators}
    here = f"{path}.accelerators"
    if len(kinds) > 1:
        yield FieldError(here, rules.ONE_KIND.message)
    elif len({accelerator.share for accelerator in accelerators}) > 1:
        yield FieldError(here, rules.ONE_SHARE.message)
    elif any(accelerator.type.is_tpu for accelerator in accelerators):
        slices = {(accelerator.type, accelerator.topology) for accelerator in accelerators}
        if len(slices) > 1:
            yield FieldError(
                here, "all TPU entries must have one type and one topology: Ray is asked for exactly that slice"
            )
    else:
        need = parallelism.tensor * parallelism.pipeline
        for i, accelerator in enumerate(accelerators):
            if accelerator.type.is_gpu and accelerator.count < need:
                yield FieldError(
                    f"{here}[{i}].count",
                    f"with several entries each pod must hold a whole replica, else one could be spread over different kinds: "
                    f"{accelerator.count} must be a multiple of tensor x pipeline = {need}",
                )


def _limits(path: str, accelerators: tuple[Accelerator, ...], scaling: Scaling) -> Iterator[FieldError]:
    """Pods for the most replicas must be allowed somewhere."""
    limits = [accelerator.max_replicas for accelerator in accelerators]
    room = sum(limit for limit in limits if limit is not None)
    most = most_replicas(scaling)
    if None not in limits and room < most:
        words = " + ".join(str(limit) for limit in limits)
        yield FieldError(
            f"{path}.accelerators",
            f"maxReplicas of all entries, {words}{f' = {room}' if len(limits) > 1 else ''}, "
            f"must reach scaling.maxReplicas ({most}): raise one, or leave it out of one entry",
        )


def check_accelerators(
    path: str, accelerators: tuple[Accelerator, ...], parallelism: Parallelism, scaling: Scaling
) -> Iterator[FieldError]:
    """`path`: of the model (or half of one) that all belong to."""
    for i, accelerator in enumerate(accelerators):
        yield from check_one(f"{path}.accelerators[{i}]", accelerator, parallelism)
        if accelerator.type.is_tpu:
            yield from _tpu_shape(path, accelerator, parallelism, scaling)
        else:
            yield from _pods_shape(path, accelerator, parallelism)
    if len(accelerators) > 1:
        yield from _several(path, accelerators, parallelism)
    yield from _data(path, accelerators, parallelism)
    yield from _limits(path, accelerators, scaling)


def check_resources(
    path: str, resources: ModelResources, accelerators: tuple[Accelerator, ...]
) -> Iterator[FieldError]:
    """`path`: of the resources."""
    shared, memory = resources.shared_memory, resources.memory
    if shared is not None and memory is not None and quantity.parse(shared) >= quantity.parse(memory):
        yield FieldError(f"{path}.sharedMemory", rules.SHARED_MEMORY_FITS.message)
    if resources.rdma is not None and resources.rdma.resource_name in {entry.resource_name for entry in accelerators}:
        yield FieldError(f"{path}.rdma.resourceName", "is the accelerators' resourceName: it must name network devices")


def utilization(model: Model) -> float | None:
    """The share of the GPU that the engine is told to take; None for its own default."""
    values = [model.engine.gpu_memory_utilization, *(model.engine.args.get(name) for name in _UTILIZATION)]
    return next((float(value) for value in values if isinstance(value, int | float)), None)


def check_memory(path: str, model: Model, accelerators: tuple[Accelerator, ...]) -> Iterator[FieldError]:
    """The engines of one GPU together take no more than all of its memory. `path`: of the model."""
    part = utilization(model)
    here = f"{path}.engine.gpuMemoryUtilization"
    if model.engine.gpu_memory_utilization is not None and any(a.type is AcceleratorType.CPU for a in accelerators):
        yield FieldError(here, rules.CPU_GPU_MEMORY.message)
    for share in {accelerator.share for accelerator in accelerators} - {None}:
        engines = engines_per_device(share or 1)
        if part is not None and engines * part > 1 + 1e-9:
            yield FieldError(
                here,
                f"it is of the whole GPU, and share {share:g} puts floor(1/{share:g}) = {engines} replicas on one: {engines} x "
                f"{part:g} = {engines * part:g} > 1; set at most {floor(100 / engines) / 100:g}, or leave it out "
                f"(then 0.9 x {share:g})",
            )


def check(path: str, model: Model) -> Iterator[FieldError]:
    """One model's hardware; its halves' is checks/disaggregation.py's."""
    if model.disaggregation is None:
        yield from check_accelerators(path, model.accelerators, model.parallelism, model.scaling)
        yield from check_memory(path, model, model.accelerators)
    yield from check_resources(f"{path}.resources", model.resources, model.accelerators)
