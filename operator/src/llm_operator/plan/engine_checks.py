"""Checks of engine, source and cache fields that need vLLM's data, what the plan itself sets, or the administrator's policy.

Rules that need none of these are in api/checks. Tests: tests/unit/plan/test_engine_refused.py.
"""

from collections.abc import Iterator

from llm_operator.api.checks.source import needs_host_path
from llm_operator.api.errors import FieldError, did_you_mean
from llm_operator.api.parts import parts
from llm_operator.api.spec.model import Model
from llm_operator.plan import kv_offload
from llm_operator.plan.engine_args import FIELDS, VLLM_VERSION, canonical, check_value, registry
from llm_operator.plan.engine_args_refused import REFUSED
from llm_operator.plan.inputs import Policy
from llm_operator.plan.sources import needs

_NO_SPECULATION = "extract_hidden_states"


def _unknown(value: str, known: tuple[str, ...], what: str) -> str:
    hint = did_you_mean(value, known) or f"one of {', '.join(known)}"
    return f'vLLM {VLLM_VERSION.rsplit(".", 1)[0]} has no {what} "{value}"; {hint}'


def _names(path: str, model: Model) -> Iterator[FieldError]:
    """Names out of vLLM's lists."""
    engine = model.engine
    for field, argument, value in (
        ("quantization", "quantization", engine.quantization),
        ("kvCacheDtype", "kv_cache_dtype", engine.kv_cache_dtype),
    ):
        if value is not None and (message := check_value(argument, value)) is not None:
            yield FieldError(f"{path}.engine.{field}", message)
    tool, reasoning = registry("toolCallParsers"), registry("reasoningParsers")
    if engine.tool_call_parser is not None and engine.tool_call_parser not in tool:
        yield FieldError(f"{path}.engine.toolCallParser", _unknown(engine.tool_call_parser, tool, "tool call parser"))
    if engine.reasoning_parser is not None and engine.reasoning_parser not in reasoning:
        yield FieldError(
            f"{path}.engine.reasoningParser", _unknown(engine.reasoning_parser, reasoning, "reasoning parser")
        )


def _speculative(path: str, model: Model) -> Iterator[FieldError]:
    settings = model.engine.speculative
    if settings is None:
        return
    methods = tuple(name for name in registry("speculativeMethods") if name != _NO_SPECULATION)
    here = f"{path}.engine.speculative"
    if settings.method == _NO_SPECULATION:
        yield FieldError(f"{here}.method", f"{_NO_SPECULATION} proposes no tokens, it exports states: choose another")
    elif settings.method not in methods:
        yield FieldError(f"{here}.method", _unknown(settings.method, methods, "speculative method"))
    for part in parts(path, model):
        if settings.draft_tensor is not None and settings.draft_tensor not in (1, part.parallelism.tensor):
            yield FieldError(
                f"{here}.draftTensor",
                f"{settings.draft_tensor} must be 1 or parallelism.tensor ({part.parallelism.tensor})",
            )
            return


def _set_by_fields(path: str, model: Model) -> Iterator[FieldError]:
    """Variables of `engine.env` and arguments of `engine.args` that another field of this model sets."""
    asked = needs(model)
    variables = {name: need.field for need in asked for name in need.variables}
    for i, variable in enumerate(model.engine.env):
        if variable.name in variables and variable.name != "HF_TOKEN":  # refused always, by api/checks/source.py
            owner = variables[variable.name]
            yield FieldError(f"{path}.engine.env[{i}].name", f"{variable.name} is set by {owner}: remove one of them")
    arguments = {name: need.field for need in asked for name, _ in need.kwargs}
    if model.kv_cache.offload is not None:
        arguments["kv_offloading_backend"] = "kvCache.offload"
    seen = FIELDS.keys() | REFUSED.keys()  # by engine_args.check_args
    for spelled in model.engine.args:
        owner = arguments.get(canonical(spelled), "")
        if owner and canonical(spelled) not in seen:
            yield FieldError(f"{path}.engine.args.{spelled}", f"is set twice: here and by {owner}")


def check(path: str, model: Model, policy: Policy) -> Iterator[FieldError]:
    """One model; with its preset applied."""
    yield from _names(path, model)
    yield from _speculative(path, model)
    yield from _set_by_fields(path, model)
    for part in parts(path, model):
        yield from kv_offload.check(path, model, part)
    if not policy.allow_host_path:
        yield from needs_host_path(path, model)
