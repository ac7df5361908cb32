"""Accelerators, parallelism, resources."""

from collections.abc import Iterator

from llm_operator.api import quantity
from llm_operator.api.errors import FieldError
from llm_operator.api.rules import hardware as rules
from llm_operator.api.spec.hardware import Accelerator, ModelResources, Parallelism
from llm_operator.api.spec.model import Model


def _cpu(path: str, accelerator: Accelerator) -> Iterator[FieldError]:
    if accelerator.count != 1:
        yield FieldError(f"{path}.count", rules.CPU_COUNT.message)
    if accelerator.resource_name is not None:
        yield FieldError(f"{path}.resourceName", rules.CPU_RESOURCE_NAME.message)
    if accelerator.share is not None:
        yield FieldError(f"{path}.share", rules.CPU_SHARE.message)


def _tolerations(path: str, accelerator: Accelerator) -> Iterator[FieldError]:
    for i, toleration in enumerate(accelerator.tolerations):
        here = f"{path}.tolerations[{i}]"
        if toleration.key is None and toleration.operator != "Exists":
            yield FieldError(f"{here}.operator", rules.TOLERATION_KEY.message)
        if toleration.value is not None and toleration.operator == "Exists":
            yield FieldError(f"{here}.value", rules.TOLERATION_VALUE.message)
        if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
            yield FieldError(f"{here}.tolerationSeconds", rules.TOLERATION_SECONDS.message)


def _shape(path: str, accelerator: Accelerator, parallelism: Parallelism) -> Iterator[FieldError]:
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


def _resources(path: str, resources: ModelResources) -> Iterator[FieldError]:
    shared, memory = resources.shared_memory, resources.memory
    if shared is not None and memory is not None and quantity.parse(shared) >= quantity.parse(memory):
        yield FieldError(f"{path}.sharedMemory", rules.SHARED_MEMORY_FITS.message)


def check_accelerators(
    path: str, accelerators: tuple[Accelerator, ...], parallelism: Parallelism
) -> Iterator[FieldError]:
    """`path`: of the model (or half of one) that both belong to."""
    for i, accelerator in enumerate(accelerators):
        here = f"{path}.accelerators[{i}]"
        if accelerator.type == "CPU":
            yield from _cpu(here, accelerator)
        yield from _tolerations(here, accelerator)
        yield from _shape(path, accelerator, parallelism)


def check(path: str, model: Model) -> Iterator[FieldError]:
    """One model's hardware."""
    yield from check_accelerators(path, model.accelerators, model.parallelism)
    yield from _resources(f"{path}.resources", model.resources)
    if model.engine.gpu_memory_utilization is not None and any(a.type == "CPU" for a in model.accelerators):
        yield FieldError(f"{path}.engine.gpuMemoryUtilization", rules.CPU_GPU_MEMORY.message)
