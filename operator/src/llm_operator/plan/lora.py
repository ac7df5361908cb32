"""LoRA: Ray's LoraConfig and vLLM's arguments, which must agree (Ray 2.60.0, llm/_internal/serve/core/configs/llm_config.py).

Ray routes `MODEL:ADAPTER` for every task, and loads the adapter in the replica before the request (LLMServer._run_request).
"""

from typing import Any

from llm_operator.api.spec.model import Model
from llm_operator.plan.needs import Needs


def lora_config(model: Model) -> dict[str, Any]:
    """Ray's LoraConfig; {} without LoRA. Both halves of a disaggregated model have it."""
    if model.lora is None:
        return {}
    return {
        "dynamic_lora_loading_path": model.lora.root.rstrip("/"),
        "max_num_adapters_per_replica": model.lora.max_adapters_per_replica,
    }


def lora_needs(model: Model) -> Needs | None:
    """vLLM's share: as many slots as Ray may load adapters."""
    if model.lora is None:
        return None
    return Needs(
        "lora",
        kwargs=(
            ("enable_lora", True),
            ("max_lora_rank", model.lora.max_rank),
            ("max_loras", model.lora.max_adapters_per_replica),
        ),
    )


def aliases(model: Model) -> tuple[tuple[str, str], ...]:
    """Other names → model, or `model:adapter`; sorted."""
    names = dict.fromkeys(model.aliases, model.name)
    for adapter in model.lora.adapters if model.lora is not None else ():
        names |= dict.fromkeys(adapter.aliases, f"{model.name}:{adapter.name}")
    return tuple(sorted(names.items()))
