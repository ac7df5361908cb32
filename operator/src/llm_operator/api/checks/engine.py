"""Engine settings that one field cannot judge."""

from collections.abc import Iterator

from llm_operator.api.errors import FieldError
from llm_operator.api.rules import engine as rules
from llm_operator.api.rules.rule import Rule
from llm_operator.api.spec.engine import Engine, Multimodal, Speculative
from llm_operator.api.spec.model import Model


def _error(path: str, rule: Rule) -> FieldError:
    return FieldError(f"{path}{rule.field_path or ''}", rule.message)


def _simulation(path: str, engine: Engine) -> Iterator[FieldError]:
    if engine.simulation is not None and engine.type != "Simulated":
        yield _error(path, rules.SIMULATION_TYPE)


def _template(path: str, engine: Engine) -> Iterator[FieldError]:
    template = engine.chat_template
    if template.inline is not None and template.config_map_key_ref is not None:
        yield _error(path, rules.ONE_TEMPLATE)
    if template.inline is not None and "{" not in template.inline:
        yield _error(path, rules.INLINE_TEMPLATE)


def _output(path: str, engine: Engine) -> Iterator[FieldError]:
    settings = engine.structured_output
    if settings is not None and settings.disable_any_whitespace and settings.backend not in rules.COMPACT_BACKENDS:
        yield FieldError(
            f"{path}.structuredOutput.disableAnyWhitespace", f"{rules.COMPACT_BACKEND.message}, not {settings.backend}"
        )


def _pixels(path: str, media: Multimodal) -> Iterator[FieldError]:
    if (media.min_pixels or 0) > (media.max_pixels or media.min_pixels or 0):
        yield FieldError(f"{path}.minPixels", f"{media.min_pixels} {rules.PIXELS.message} ({media.max_pixels})")


def _draft(path: str, settings: Speculative) -> Iterator[FieldError]:
    none = settings.method in rules.NO_DRAFT_MODEL
    built_in = settings.method.endswith("mtp") or settings.method == "dspark"
    if none and settings.model is not None:
        yield _error(path, rules.DRAFT_MODEL)
    if none and settings.draft_tensor is not None:
        yield _error(path, rules.DRAFT_TENSOR)
    if settings.model is None and not none and not built_in:
        yield _error(path, rules.NEEDS_DRAFT_MODEL)
    if settings.revision is not None and not (settings.model or "").startswith("hf://"):
        yield _error(path, rules.DRAFT_REVISION)


def _lookup(path: str, settings: Speculative) -> Iterator[FieldError]:
    shortest, longest = settings.prompt_lookup_min, settings.prompt_lookup_max
    if settings.method not in rules.NGRAM and (shortest is not None or longest is not None):
        yield _error(path, rules.LOOKUP)
    if shortest is not None and longest is not None and shortest > longest:
        yield FieldError(f"{path}.promptLookupMin", f"{shortest} {rules.LOOKUP_ORDER.message} ({longest})")


def _task(path: str, model: Model) -> Iterator[FieldError]:
    engine = model.engine
    if model.task == "Generate":
        return
    set_fields = (engine.tool_call_parser, engine.reasoning_parser, engine.structured_output, engine.speculative)
    for value, rule in zip(set_fields, rules.ONLY_GENERATE, strict=True):
        if value is not None:
            yield _error(path, rule)
    if engine.chat_template.default_kwargs:
        # No CEL twin: the API server hides maps to any value from rules.
        yield FieldError(
            f"{path}.engine.chatTemplate.defaultKwargs",
            "only with task Generate: vLLM's other tasks do not look at it; remove it",
        )
    template = engine.chat_template
    if model.task == "Transcribe" and (template.inline is not None or template.config_map_key_ref is not None):
        yield _error(path, rules.TEMPLATE_TASK)


def check(path: str, model: Model) -> Iterator[FieldError]:
    """One model's engine, task and KV cache."""
    here = f"{path}.engine"
    yield from _simulation(here, model.engine)
    yield from _template(f"{here}.chatTemplate", model.engine)
    yield from _output(here, model.engine)
    if model.engine.multimodal is not None:
        yield from _pixels(f"{here}.multimodal", model.engine.multimodal)
    if model.engine.speculative is not None:
        yield from _draft(f"{here}.speculative", model.engine.speculative)
        yield from _lookup(f"{here}.speculative", model.engine.speculative)
    yield from _task(path, model)
    if model.kv_cache.offload is not None and any(a.type == "CPU" for a in model.accelerators):
        yield _error(path, rules.OFFLOAD_CPU)
