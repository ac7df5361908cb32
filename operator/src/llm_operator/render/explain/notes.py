"""What a plan cannot promise."""

from collections.abc import Iterator

from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan import presets
from llm_operator.render.explain.layout import Section, listed


def _models(spec: LLMDeploymentSpec) -> Iterator[str]:
    unpinned = [
        model.name
        for model in spec.models
        if model.source.uri.startswith("hf://") and model.source.revision is None and model.engine.type == "vLLM"
    ]
    if unpinned:
        yield f"Two pods of {listed(unpinned)} may load different weights: the hub's revision is not pinned."
    several = [model.name for model in spec.models if len(model.accelerators) > 1]
    if several:
        yield (
            f"{listed(several)}: which kind of pods is added beyond the fewest is the autoscaler's choice; the numbers of "
            "each kind are upper bounds."
        )
    for model in spec.models:
        if model.engine.multimodal is not None and not model.engine.multimodal.allowed_media_domains:
            yield f"{model.name}: a request can make the pods fetch any URL (engine.multimodal.allowedMediaDomains is empty)."
        if model.preset is not None and presets.preset(model.preset).tool_template and model.engine.tool_call_parser:
            chat = model.engine.chat_template
            if chat.inline is None and chat.config_map_key_ref is None:
                template = presets.preset(model.preset).tool_template
                yield f"{model.name}: tool calls work better with vLLM's {template} as engine.chatTemplate."


def notes(spec: LLMDeploymentSpec) -> Section:
    """Always some: this is offline."""
    made = Section("Not promised")
    made.add("", "That nodes, quota, images, secrets and volumes are there: nothing was asked of a cluster.")
    if any(model.engine.type == "vLLM" for model in spec.models):
        made.add(
            "",
            "Memory estimates leave out activations, CUDA graphs, LoRA adapters and draft models. Nothing is refused "
            "because of them: vLLM has the last word when it starts.",
        )
    made.add("", *_models(spec))
    if any(accelerator.tolerations for model in spec.models for accelerator in model.accelerators):
        made.add("", "An edit of tolerations reaches the pods with the next new Ray cluster only.")
    if spec.scheduling.gang is not None:
        made.add("", "An edit of gang or gangQueue is in force with the next new Ray cluster only.")
    made.add(
        "",
        "Routes are those of a new object: a model that is served already keeps the route it has (status.models[].url).",
    )
    return made
