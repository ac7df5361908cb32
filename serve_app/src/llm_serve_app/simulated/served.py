"""What is served, from an LLMConfig: the parts of the engine's arguments that change answers."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm_serve_app.simulated.prompts import Media, Refused
from llm_serve_app.simulated.scheduler import Observer, Scheduler
from llm_serve_app.simulated.settings import InvalidSettings, Settings, parse_settings

DEFAULT_CONTEXT_LENGTH = 32_768
DEFAULT_MAX_NUM_SEQS = 256
DEFAULT_MAX_LORA_RANK = 16  # vLLM 0.29.0, vllm/config/lora.py
GENERATE, POOLING = frozenset({"generate", "transcription"}), frozenset({"embed", "score"})


@dataclass(slots=True)
class Served:
    """One model. `loras`: names of adapters that are loaded, each `<model id>:<adapter>`, with their paths; `aliases`: other
    names of the model itself."""

    model_id: str
    settings: Settings
    context_length: int
    media: Media
    has_reasoning: bool
    template_defaults: dict[str, Any]
    tasks: frozenset[str]
    arguments: dict[str, Any]
    scheduler: Scheduler
    loras: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    def check(self, model: str | None, task: str, endpoint: str) -> None:
        """Raises Refused for another model, or one that cannot do the task (Ray 2.60.0, vllm_engine.py)."""
        if task not in self.tasks:
            raise Refused(
                f"This model does not support the '{task}' task. The {endpoint} endpoint is not available for this model.",
                kind="invalid_request_error",
            )
        if model and model not in (self.model_id, *self.aliases, *self.loras):
            raise Refused(f"The model `{model}` does not exist.", 404, "NotFoundError")

    def reasons(self, request: Any) -> bool:
        """Whether the answer has reasoning: a reasoning parser is set and the chat template's switch is not off."""
        switches = {**self.template_defaults, **(request.chat_template_kwargs or {})}
        on = switches.get("enable_thinking", True) and switches.get("thinking", True)
        return self.has_reasoning and bool(on) and request.reasoning_effort != "none" and request.include_reasoning

    def load_lora(self, name: str, path: str) -> None:
        """Raises ValueError where vLLM would: LoRA off, no adapter in the directory, a rank above max_lora_rank."""
        if name in self.loras:
            return
        if not self.arguments.get("enable_lora"):
            raise ValueError("Failed to load lora model: LoRA is not enabled; engine_kwargs.enable_lora must be true")
        config = Path(path) / "adapter_config.json"
        if not config.is_file():
            raise ValueError(f"Failed to load lora model: No adapter found for {path}")
        rank = json.loads(config.read_text()).get("r", 0)
        most = self.arguments.get("max_lora_rank", DEFAULT_MAX_LORA_RANK)
        if rank > most:
            raise ValueError(f"Failed to load lora model: LoRA rank {rank} is greater than max_lora_rank {most}.")
        self.loras[name] = path


def served(model_id: str, arguments: dict[str, Any], settings: Any, observer: Observer) -> Served:
    """From engine_kwargs and `experimental_configs.simulated`. Raises InvalidSettings."""
    parsed = parse_settings(settings)
    length = arguments.get("max_model_len")
    context = length if isinstance(length, int) and length > 0 else DEFAULT_CONTEXT_LENGTH
    cache = parsed.kv_cache_tokens or 16 * context
    if cache < context:
        raise InvalidSettings(
            f"experimental_configs.simulated.kv_cache_tokens: {cache} tokens cannot hold one request of max_model_len "
            f"{context}; give at least {context}"
        )
    return Served(
        model_id=model_id,
        settings=parsed,
        context_length=context,
        media=_media(arguments),
        has_reasoning=bool(arguments.get("reasoning_parser")),
        template_defaults=dict(arguments.get("default_chat_template_kwargs") or {}),
        tasks=_tasks(arguments.get("runner", "auto")),
        arguments=arguments,
        scheduler=Scheduler(
            parsed.max_num_seqs or arguments.get("max_num_seqs") or DEFAULT_MAX_NUM_SEQS, cache, observer
        ),
    )


def _media(arguments: dict[str, Any]) -> Media:
    limits = arguments.get("limit_mm_per_prompt") or {}
    counts = {name: value.get("count", 999) if isinstance(value, dict) else value for name, value in limits.items()}
    return Media(counts, tuple(arguments.get("allowed_media_domains") or ()))


def _tasks(runner: str) -> frozenset[str]:
    """Without a model the engine cannot know what `auto` would choose, so it does everything then."""
    return {"generate": GENERATE, "pooling": POOLING}.get(runner, GENERATE | POOLING)


async def report_load(scheduler: Scheduler, period_seconds: float = 1.0) -> None:
    """Repeats the load for ever: Ray forgets a gauge after each export, and a stalled engine changes nothing."""
    while True:
        scheduler.report()
        await asyncio.sleep(period_seconds)
