"""Prefill and decode halves. What the connectors need: vLLM 0.29, distributed/kv_transfer/kv_connector/v1."""

from collections.abc import Iterator

from llm_operator.api.accelerators import AcceleratorType
from llm_operator.api.checks.hardware import check_accelerators, check_memory, check_resources
from llm_operator.api.errors import FieldError
from llm_operator.api.parts import Part, parts
from llm_operator.api.rules import serving as rules
from llm_operator.api.spec.model import Model


def _half(path: str, model: Model, part: Part) -> Iterator[FieldError]:
    yield from check_accelerators(part.path, part.accelerators, part.parallelism, part.scaling)
    yield from check_memory(path, model, part.accelerators)
    if part.resources is not model.resources:
        yield from check_resources(part.resources_path, part.resources, part.accelerators)
    kind = part.accelerators[0].type
    if kind is AcceleratorType.CPU and model.engine.type != "Simulated":
        yield FieldError(
            f"{part.path}.accelerators",
            "prefill and decode on CPU would compete for the same memory bandwidth, and images for CPU have no NIXL: "
            "choose a GPU, or engine.type Simulated to try the shape",
        )
    if kind.is_tpu:
        message = "Ray Serve LLM 2.60 binds KV connectors to placement groups that TPU slices do not have: choose a GPU"
        yield FieldError(f"{part.path}.accelerators", message)
    if part.parallelism.pipeline > 1:
        yield FieldError(
            f"{part.path}.parallelism.pipeline",
            f"{part.parallelism.pipeline} must be 1: the connector pairs tensor parallel ranks of the halves and knows no "
            "pipeline stages (use tensor and data)",
        )


def _pair(path: str, model: Model, prefill: Part, decode: Part) -> Iterator[FieldError]:
    left, right = prefill.parallelism.tensor, decode.parallelism.tensor
    if max(left, right) % min(left, right):
        yield FieldError(
            f"{path}.disaggregation",
            f"prefill has tensor {left} and decode has tensor {right}: one must be a multiple of the other, so that each rank "
            "finds its KV heads whole",
        )
    if model.disaggregation is not None and model.disaggregation.connector == "MoRIIO":
        others = {part.accelerators[0].type.value for part in (prefill, decode) if not part.accelerators[0].type.is_amd}
        if others:
            yield FieldError(
                f"{path}.disaggregation.connector",
                f"MoRIIO moves KV blocks between AMD GPUs only, not {' and '.join(sorted(others))}: use Nixl",
            )


def check(path: str, model: Model) -> Iterator[FieldError]:
    """Nothing for a model that is not disaggregated."""
    if model.disaggregation is None:
        return
    if model.task != "Generate":
        yield FieldError(f"{path}.disaggregation", rules.DISAGGREGATION_TASK.message)
    if len(model.accelerators) > 1:
        yield FieldError(
            f"{path}.accelerators",
            f"with disaggregation the model has one entry, not {len(model.accelerators)}: give prefill and decode their own",
        )
    if model.kv_cache.offload is not None:
        yield FieldError(
            f"{path}.kvCache.offload",
            "vLLM has one KV connector, which disaggregation takes: remove it, or use disaggregation.connector LMCache, "
            "which keeps blocks in host memory, too",
        )
    prefill, decode = parts(path, model)
    for part in (prefill, decode):
        yield from _half(path, model, part)
    yield from _pair(path, model, prefill, decode)
