"""The spec with the presets of its models applied. Before everything else of the plan: a preset only fills in fields."""

from llm_operator.api.errors import FieldError, InvalidSpec
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.validation import check_spec
from llm_operator.plan.presets import check_preset, resolved


def _blamed(error: FieldError, spec: LLMDeploymentSpec) -> FieldError:
    """A mistake that only shows with a preset names the preset: the user did not write that field."""
    for i, model in enumerate(spec.models):
        if model.preset is not None and error.path.startswith(f"spec.models[{i}]"):
            return FieldError(f"spec.models[{i}].preset", f"{model.preset} does not fit: it sets {error}")
    return error


def with_presets(spec: LLMDeploymentSpec) -> LLMDeploymentSpec:
    """Raises InvalidSpec for an unknown preset, and where a preset and the user's fields contradict each other."""
    if all(model.preset is None for model in spec.models):
        return spec
    if errors := tuple(
        error for i, model in enumerate(spec.models) for error in check_preset(f"spec.models[{i}]", model)
    ):
        raise InvalidSpec(errors)
    applied = spec.model_copy(update={"models": tuple(resolved(model) for model in spec.models)})
    if errors := check_spec(applied):
        raise InvalidSpec(tuple(_blamed(error, spec) for error in errors))
    return applied
