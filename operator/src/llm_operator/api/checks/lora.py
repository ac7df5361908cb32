"""LoRA adapters, and what aliases, warm-up and the simulated engine need inside the image."""

from collections.abc import Iterator

from llm_operator.api.checks.names import duplicates
from llm_operator.api.errors import FieldError
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.model import Model

NEEDS_IMAGE = "need an image that contains llm_serve_app: set spec.ray.image to one (the default image has none)"


def check(path: str, model: Model) -> Iterator[FieldError]:
    """One model's adapters."""
    if model.lora is not None:
        names = [(f"{path}.lora.adapters[{i}].name", adapter.name) for i, adapter in enumerate(model.lora.adapters)]
        yield from duplicates(names, "the adapter")


def needs_image(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """What the default image cannot do, for a spec without one of its own. Aliases are a class that the head imports when it
    builds the application; the simulated engine and one that warms up are imported in the replica only."""
    for i, model in enumerate(spec.models):
        if model.aliases:
            yield FieldError(f"spec.models[{i}].aliases", NEEDS_IMAGE)
        if model.lora is not None and model.lora.adapters:
            yield FieldError(f"spec.models[{i}].lora.adapters", NEEDS_IMAGE)
        if model.engine.type == "Simulated" and model.engine.image is None:
            yield FieldError(f"spec.models[{i}].engine.type", f"Simulated: {NEEDS_IMAGE}")
        if model.health.warm_up == "Replica" and model.engine.image is None:
            yield FieldError(f"spec.models[{i}].health.warmUp", f"Replica: {NEEDS_IMAGE}")
