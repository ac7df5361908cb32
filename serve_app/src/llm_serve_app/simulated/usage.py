"""Token counts of an answer, in vLLM's classes."""

from typing import Any

from vllm.entrypoints.serve.engine.protocol import CompletionTokenUsageInfo, UsageInfo

from llm_serve_app.simulated.generation import Generation


def usage(generation: Generation, completion_tokens: int | None = None, *, reasoning: bool = False) -> UsageInfo:
    """Of the whole answer, or of its first `completion_tokens`. `reasoning`: counts reasoning tokens as well."""
    done = generation.completion_tokens if completion_tokens is None else completion_tokens
    details = CompletionTokenUsageInfo(reasoning_tokens=generation.reasoning_tokens) if reasoning else None
    return UsageInfo(
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=done,
        total_tokens=generation.prompt_tokens + done,
        completion_tokens_details=details,
    )


def stream_usage(request: Any) -> tuple[bool, bool]:
    """Whether a stream reports usage in every chunk, and in a last one (stream_options)."""
    options = request.stream_options
    at_end = bool(options and options.include_usage)
    return at_end and bool(options.continuous_usage_stats), at_end
