"""How much memory an engine will need, about: weights and KV cache against what its accelerators have. For people
(`llm-operator explain`), never a reason to refuse: activations, CUDA graphs and fragmentation are not counted.

Facts of checkpoints: plan/data/presets; of accelerators: plan/data/accelerator-memory.yaml. Tests: tests/unit/plan/test_memory.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml

from llm_operator.api import quantity
from llm_operator.api.parts import Part
from llm_operator.api.spec.hardware import Accelerator
from llm_operator.api.spec.model import Model
from llm_operator.plan.engine_args import schema_of
from llm_operator.plan.placement import shapes_of
from llm_operator.plan.presets import Attention, Size, size_of

_GB: Final = 10**9
_MIG: Final = re.compile(r"/mig-[0-9a-z]+g\.(?P<gb>[0-9]+)gb")
# Bytes of one weight when vLLM itself quantizes a checkpoint of 16 bits (vLLM 0.29.0, layers/quantization); those that it
# reads as they were published are not here: their size is the checkpoint's.
_ONLINE: Final[Mapping[str, float]] = {
    "fp8": 1, "fp8_per_tensor": 1, "fp8_per_block": 1, "fp8_per_channel": 1, "experts_int8": 1,
    "int8_per_channel_weight_only": 1,
}  # fmt: skip
_BFLOAT16: Final = 2
_FLOAT32: Final = 4
_ONE_BYTE: Final = ("fp8", "int8")
_HALF_BYTE: Final = ("int4", "nvfp4")


@cache
def _table() -> Mapping[str, float]:
    text = resources.files("llm_operator.plan").joinpath("data/accelerator-memory.yaml").read_text(encoding="utf-8")
    return {row["type"]: float(row["gb"]) for row in yaml.safe_load(text)}


def accelerator_gb(accelerator: Accelerator) -> float | None:
    """GB (10^9 bytes) of one accelerator, or of the MIG slice that stands for one; None when nobody knows."""
    slice_ = _MIG.search(accelerator.resource_name or "")
    if slice_ is not None:
        return float(slice_["gb"])
    return _table().get(accelerator.type.value)


def facts(model: Model) -> Size | None:
    """What is known of the checkpoint: those on the hub have names."""
    scheme, _, name = model.source.uri.partition("://")
    return size_of(name) if scheme == "hf" else None


@dataclass(frozen=True, slots=True)
class Unknown:
    """No estimate, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes of one engine over all of its accelerators (with data parallelism: of one of the engines)."""

    memory: float
    """What vLLM may take of its accelerators, or of its pod."""
    taken_of: str
    """What that is part of, for people: "0.92 of 8 x 80 GB"."""
    weights: float
    token: float | None
    """One token of the KV cache; None when nobody knows."""
    context: int | None
    """Longest sequence, in tokens."""
    upper_bound: bool = False
    """Some layers of the model keep less of a token."""

    @property
    def left(self) -> float:
        """For the KV cache, and all that is not counted."""
        return self.memory - self.weights

    @property
    def tokens(self) -> int | None:
        """Tokens that the KV cache may hold at most."""
        return None if self.token is None else max(0, int(self.left // self.token))

    @property
    def fits(self) -> bool:
        """Weights and one sequence of full length; vLLM does not start otherwise."""
        return self.left > 0 and (self.token is None or self.context is None or self.left >= self.token * self.context)


def _quantized(kwargs: Mapping[str, Any], size: Size) -> float:
    """Bytes of all weights in the accelerators."""
    online = _ONLINE.get(kwargs.get("quantization") or "")
    if size.weight_gib is not None:
        return float(size.weight_bytes)
    if online is not None and online < size.bytes_per_parameter:
        return size.parameters * _GB * online
    if kwargs.get("dtype") == "float32" and size.bytes_per_parameter == _BFLOAT16:
        return size.parameters * _GB * _FLOAT32
    return float(size.weight_bytes)


def _weights(kwargs: Mapping[str, Any], part: Part, size: Size) -> float:
    """Of one engine. Data parallel engines share the experts (vLLM 0.29.0, layers/fused_moe/config.py, flatten_tp_across_dp);
    what else they hold each for itself is active for every token, and so at most as large as the active parameters."""
    weights = _quantized(kwargs, size)
    if part.parallelism.data == 1 or size.active_parameters is None:
        return weights
    dense = weights * size.active_parameters / size.parameters
    return dense + (weights - dense) / part.parallelism.data


def _element_bytes(kwargs: Mapping[str, Any]) -> float:
    kind = str(kwargs.get("kv_cache_dtype") or "auto")
    if kind.startswith(_HALF_BYTE):
        return 0.5
    if kind.startswith(_ONE_BYTE):
        return 1
    return _FLOAT32 if kind == "auto" and kwargs.get("dtype") == "float32" else _BFLOAT16


def _token(kwargs: Mapping[str, Any], part: Part, attention: Attention) -> float:
    """Each tensor parallel rank holds at least one head, and the whole latent vector of MLA."""
    heads = attention.kv_heads if attention.latent is None and attention.kv_heads is not None else 1
    return attention.bytes_per_token(_element_bytes(kwargs)) * max(1.0, part.parallelism.tensor / heads)


def _memory(kwargs: Mapping[str, Any], part: Part, pod_memory: str) -> tuple[float, str] | Unknown:
    shape = shapes_of(part)[0]
    if shape.cpu_only:
        return quantity.parse(pod_memory), f"the pod's {quantity.canonical(pod_memory)}"
    sizes = {accelerator.type.value: accelerator_gb(accelerator) for accelerator in part.accelerators}
    if unknown := sorted(name for name, size in sizes.items() if size is None):
        return Unknown(f"the memory of {', '.join(unknown)} is not in plan/data/accelerator-memory.yaml")
    share = float(kwargs.get("gpu_memory_utilization") or schema_of("gpu_memory_utilization")["default"])
    smallest = min(size for size in sizes.values() if size is not None)
    return smallest * _GB * share * shape.devices, f"{share:g} of {shape.devices} x {smallest:g} GB"


def estimate(model: Model, part: Part, kwargs: Mapping[str, Any], pod_memory: str) -> Estimate | Unknown:
    """One engine of a model, or of half of one. `model`: with its preset applied; `kwargs`: the engine's, as planned;
    `pod_memory`: a quantity."""
    if model.engine.type == "Simulated":
        return Unknown("the simulated engine loads no weights")
    size = facts(model)
    if size is None:
        hub = model.source.uri.startswith("hf://")
        return Unknown(
            f"{model.source.uri}: {'no preset has facts about it' if hub else 'facts are kept by names on the hub only'}"
        )
    memory = _memory(kwargs, part, pod_memory)
    if isinstance(memory, Unknown):
        return memory
    return Estimate(
        memory=memory[0],
        taken_of=memory[1],
        weights=_weights(kwargs, part, size),
        token=None if size.attention is None else _token(kwargs, part, size.attention),
        context=kwargs.get("max_model_len") or size.context_length,
        upper_bound=size.attention is not None and size.attention.bound,
    )
