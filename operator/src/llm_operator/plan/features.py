"""Task, chat template, tool calls, media, structured output, speculative decoding, LoRA → arguments of vLLM, and what else
each needs. Tests: tests/unit/plan/test_engine_kwargs.py.

Ray 2.60.0 hands arguments of vLLM's server on as well (llm/_internal/serve/engines/vllm/vllm_models.py splits engine_kwargs into
AsyncEngineArgs and FrontendArgs; vllm_engine.py start() gives both to vLLM's init_app_state), so chat_template,
default_chat_template_kwargs, tool_call_parser and enable_auto_tool_choice reach the engine's OpenAI layer. reasoning_parser is
an engine argument, copied into structured_outputs_config by AsyncEngineArgs.create_engine_config.
"""

from collections.abc import Iterator
from typing import Any, Final

from llm_operator.api.spec.engine import ChatTemplate, Multimodal, Speculative, StructuredOutput
from llm_operator.api.spec.model import Model
from llm_operator.plan.lora import lora_needs
from llm_operator.plan.needs import Needs
from llm_operator.plan.pods import KeyFile, Mount

_TEMPLATE_FILE: Final = "/mnt/chat-template/template.jinja"
# vLLM 0.29.0, config/model.py. Generate: what the architecture is for; Score: its own head, else embeddings to compare.
_TASKS: Final[dict[str, dict[str, Any]]] = {
    "Generate": {},
    "Embed": {"runner": "pooling", "convert": "embed"},
    "Score": {"runner": "pooling"},
    "Transcribe": {"runner": "generate"},
}


def _needs(field: str, kwargs: dict[str, Any]) -> Needs:
    return Needs(field, kwargs=tuple(kwargs.items()))


def _chat_template(template: ChatTemplate) -> Iterator[Needs]:
    ref = template.config_map_key_ref
    if template.inline is not None:
        yield _needs("engine.chatTemplate.inline", {"chat_template": template.inline})
    elif ref is not None:
        file = Mount("chat-template", _TEMPLATE_FILE, KeyFile("configMap", ref.name, ref.key), read_only=True)
        yield Needs("engine.chatTemplate", kwargs=(("chat_template", _TEMPLATE_FILE),), mounts=(file,))
    if template.default_kwargs:
        defaults = {"default_chat_template_kwargs": dict(template.default_kwargs)}
        yield _needs("engine.chatTemplate.defaultKwargs", defaults)


def _multimodal(multimodal: Multimodal) -> Iterator[Needs]:
    if limits := multimodal.limit_per_prompt.model_dump(exclude_none=True):
        yield _needs("engine.multimodal.limitPerPrompt", {"limit_mm_per_prompt": limits})
    if pixels := multimodal.model_dump(include={"min_pixels", "max_pixels"}, exclude_none=True):
        yield _needs("engine.multimodal", {"mm_processor_kwargs": pixels})
    if multimodal.allowed_media_domains:
        yield Needs(
            "engine.multimodal.allowedMediaDomains",
            kwargs=(("allowed_media_domains", sorted(multimodal.allowed_media_domains)),),
            # vLLM looks at the host of the first request only, and follows redirects by default (0.29.0,
            # multimodal/media/connector.py).
            replica_env=(("VLLM_MEDIA_URL_ALLOW_REDIRECTS", "0"),),
        )


def _structured_output(settings: StructuredOutput) -> Needs:
    config: dict[str, Any] = {"backend": settings.backend}
    if settings.disable_any_whitespace:
        config["disable_any_whitespace"] = True
    return _needs("engine.structuredOutput", {"structured_outputs_config": config})


def _speculative(settings: Speculative) -> Needs:
    config: dict[str, Any] = {"method": settings.method, "num_speculative_tokens": settings.tokens}
    if settings.model is not None:
        config["model"] = settings.model.partition("://")[2]
    for name, value in (
        ("revision", settings.revision),
        ("prompt_lookup_max", settings.prompt_lookup_max),
        ("prompt_lookup_min", settings.prompt_lookup_min),
        ("draft_tensor_parallel_size", settings.draft_tensor),
    ):
        if value is not None:
            config[name] = value
    return _needs("engine.speculative", {"speculative_config": config})


def feature_needs(model: Model) -> Iterator[Needs]:
    """One entry for each field that is set."""
    engine = model.engine
    if _TASKS[model.task]:
        yield _needs("task", _TASKS[model.task])
    if engine.tool_call_parser is not None:
        yield _needs("engine.toolCallParser", {"enable_auto_tool_choice": True})
    yield from _chat_template(engine.chat_template)
    if engine.multimodal is not None:
        yield from _multimodal(engine.multimodal)
    if engine.structured_output is not None:
        yield _structured_output(engine.structured_output)
    if engine.speculative is not None:
        yield _speculative(engine.speculative)
    if (lora := lora_needs(model)) is not None:
        yield lora
