"""The memory estimate of one engine in words."""

from typing import Any

from llm_operator.api.parts import Part
from llm_operator.api.spec.model import Model
from llm_operator.plan.memory import Estimate, Unknown, estimate
from llm_operator.plan.pods import PodResources
from llm_operator.render.explain.layout import gib


def _sequences(made: Estimate) -> str:
    if made.left <= 0:
        return ""
    if made.token is None:
        return "KV cache: unknown, no preset has the model's layers and heads"
    if made.tokens is None or made.context is None:
        return f"KV cache: {made.token / 1024:.0f} KiB a token"
    at_most = "at most " if made.upper_bound else ""
    one = made.token * made.context
    times = made.left / one
    fits = f"{times:.1f} of them fit" if times < 10 else f"{times:.0f} of them fit"
    return (
        f"KV cache: {at_most}{made.token / 1024:.0f} KiB a token, {gib(one)} for one sequence of {made.context:,} tokens; "
        f"about {fits} at full length ({made.tokens:,} tokens)"
    )


def _verdict(made: Estimate) -> str:
    if made.fits:
        return ""
    if made.left <= 0:
        return f"DOES NOT FIT: the weights alone need {gib(-made.left)} more. Use more or larger accelerators, or quantization"
    return (
        "DOES NOT FIT: one sequence of full length is longer than what is left, and vLLM would not start. Set "
        f"engine.contextLength to at most {made.tokens:,}, or use more or larger accelerators"
    )


def memory_lines(model: Model, part: Part, kwargs: dict[str, Any], pod: PodResources) -> list[str]:
    """The estimate, or why there is none."""
    made = estimate(model, part, kwargs, pod.memory)
    if isinstance(made, Unknown):
        return [f"unknown ({made.why})"]
    each = " (each engine)" if part.parallelism.data > 1 else ""
    return [
        f"estimate{each}: {gib(made.weights)} of weights, {gib(max(0.0, made.left))} left of {gib(made.memory)} ({made.taken_of})",
        _sequences(made),
        _verdict(made),
    ]
