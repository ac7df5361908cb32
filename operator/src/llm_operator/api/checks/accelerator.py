"""One entry of accelerators."""

from collections.abc import Iterator

from llm_operator.api.errors import FieldError
from llm_operator.api.rules import hardware as rules
from llm_operator.api.spec.hardware import Accelerator, Parallelism
from llm_operator.api.tpu import TOPOLOGIES, nearest, tpu_slice

# GKE's own labels of TPU nodes; the operator writes them (plan/catalog.py).
_OWNED_LABELS = ("cloud.google.com/gke-tpu-accelerator", "cloud.google.com/gke-tpu-topology")


def _cpu(path: str, accelerator: Accelerator) -> Iterator[FieldError]:
    if accelerator.count != 1:
        yield FieldError(f"{path}.count", rules.CPU_COUNT.message)
    if accelerator.resource_name is not None:
        yield FieldError(f"{path}.resourceName", rules.CPU_RESOURCE_NAME.message)
    if accelerator.share is not None:
        yield FieldError(f"{path}.share", rules.CPU_SHARE.message)


def _tpu(path: str, accelerator: Accelerator) -> Iterator[FieldError]:
    kind, topology = accelerator.type, accelerator.topology
    if accelerator.share is not None:
        yield FieldError(f"{path}.share", rules.TPU_SHARE.message)
    if accelerator.resource_name is not None and accelerator.resource_name != "google.com/tpu":
        yield FieldError(f"{path}.resourceName", "Ray counts TPU chips by google.com/tpu: remove it")
    for label in _OWNED_LABELS:
        if label in accelerator.node_selector:
            yield FieldError(f"{path}.nodeSelector", f"{label} follows from type and topology: remove it")
    if topology is None:
        yield FieldError(f"{path}.topology", rules.TPU_TOPOLOGY.message)
    elif topology not in TOPOLOGIES[kind]:
        names = ", ".join(nearest(kind, topology))
        yield FieldError(f"{path}.topology", f"{kind.value} has no slice {topology}; there are {names}")
    else:
        per_host = tpu_slice(kind, topology).per_host
        if "count" in accelerator.model_fields_set and accelerator.count != per_host:
            message = (
                f"a host of a {kind.value} slice {topology} has {per_host} chips: remove count, or set it to {per_host}"
            )
            yield FieldError(f"{path}.count", message)


def _gpu(path: str, accelerator: Accelerator, parallelism: Parallelism) -> Iterator[FieldError]:
    if accelerator.topology is not None:
        yield FieldError(f"{path}.topology", rules.TPU_TOPOLOGY.message)
    name = accelerator.resource_name or ""
    need = parallelism.tensor * parallelism.pipeline
    if name.startswith("nvidia.com/mig-") and need > 1:
        yield FieldError(
            f"{path}.resourceName",
            f"a replica of tensor x pipeline = {need} cannot be made of MIG slices: NVIDIA gives them no way to reach each other",
        )


def _tolerations(path: str, accelerator: Accelerator) -> Iterator[FieldError]:
    for i, toleration in enumerate(accelerator.tolerations):
        here = f"{path}.tolerations[{i}]"
        if toleration.key is None and toleration.operator != "Exists":
            yield FieldError(f"{here}.operator", rules.TOLERATION_KEY.message)
        if toleration.value is not None and toleration.operator == "Exists":
            yield FieldError(f"{here}.value", rules.TOLERATION_VALUE.message)
        if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
            yield FieldError(f"{here}.tolerationSeconds", rules.TOLERATION_SECONDS.message)


def check_one(path: str, accelerator: Accelerator, parallelism: Parallelism) -> Iterator[FieldError]:
    """`path`: of the entry."""
    if accelerator.type.is_tpu:
        yield from _tpu(path, accelerator)
    else:
        if accelerator.type == "CPU":
            yield from _cpu(path, accelerator)
        yield from _gpu(path, accelerator, parallelism)
    yield from _tolerations(path, accelerator)
