"""Is what stands in `engine.args` right? Names, types, values and bounds of vLLM's arguments, from vLLM itself.

The facts are data generated from vLLM's own argument classes and registries (`data/vllm-<version>.json`, make engine-args);
what is refused, and why, is in engine_args_refused.py. Fields of the API that stand for an argument are checked with the
same data (`check_value`, `registry`).
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from llm_operator.api.errors import FieldError, did_you_mean
from llm_operator.api.spec.model import Model
from llm_operator.plan.engine_args_refused import REFUSED, REFUSED_CHOICES, refused_inside
from llm_operator.plan.json_schema import Problem, Schema, problem

VLLM_VERSION: Final = "0.29.0"
"""The version inside the default image."""

Registry = Literal[
    "architectures", "attentionBackends", "configFormats", "deprecatedQuantizationMethods", "kvCacheDtypes", "kvConnectors", "loadFormats",
    "modelImplementations", "quantizationMethods", "reasoningParsers", "speculativeMethods", "structuredOutputBackends",
    "tasks", "tokenizerModes", "toolCallParsers",
]  # fmt: skip
REGISTRIES: Final[tuple[Registry, ...]] = get_args(Registry)

FIELDS: Final[MappingProxyType[str, tuple[str, ...]]] = MappingProxyType(
    {
        "allowed_media_domains": ("multimodal.allowed_media_domains",),
        "chat_template": ("chat_template.inline", "chat_template.config_map_key_ref"),
        "default_chat_template_kwargs": ("chat_template.default_kwargs",),
        "dtype": ("dtype",),
        "enable_chunked_prefill": ("chunked_prefill",),
        "enable_prefix_caching": ("prefix_caching",),
        "enforce_eager": ("eager",),
        "gpu_memory_utilization": ("gpu_memory_utilization",),
        "kv_cache_dtype": ("kv_cache_dtype",),
        "limit_mm_per_prompt": ("multimodal.limit_per_prompt",),
        "max_model_len": ("context_length",),
        "max_num_batched_tokens": ("max_num_batched_tokens",),
        "max_num_seqs": ("max_num_seqs",),
        "mm_processor_kwargs": ("multimodal.min_pixels", "multimodal.max_pixels"),
        "quantization": ("quantization",),
        "reasoning_parser": ("reasoning_parser",),
        "speculative_config": ("speculative",),
        "structured_outputs_config": ("structured_output",),
        "tool_call_parser": ("tool_call_parser",),
    }
)
"""Arguments that fields of `engine` stand for: vLLM's name -> paths below `engine`, in Python's spelling."""


def canonical(name: str) -> str:
    """vLLM's name: `max-num-seqs` and `max_num_seqs` are the same argument."""
    return name.replace("-", "_")


def _without_refused(schema: Schema) -> Schema:
    """The schema without values that are never allowed."""
    if "enum" in schema:
        schema = schema | {"enum": [value for value in schema["enum"] if value not in REFUSED_CHOICES]}
    if "properties" in schema:
        schema = schema | {"properties": {key: _without_refused(item) for key, item in schema["properties"].items()}}
    return schema


@cache
def _data() -> dict[str, Any]:
    text = resources.files("llm_operator.plan").joinpath(f"data/vllm-{VLLM_VERSION}.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    data["arguments"] = {name: _without_refused(schema) for name, schema in data["arguments"].items()}
    return data


@cache
def known() -> frozenset[str]:
    """Every argument of vLLM, refused ones included."""
    return frozenset(_data()["arguments"])


def schema_of(name: str) -> Schema:
    """The flat JSON Schema of an argument in either spelling; `default` and `description` where vLLM has them.
    Raises KeyError for a name that vLLM does not have. Not to be changed."""
    schema: Schema = _data()["arguments"][canonical(name)]
    return schema


@cache
def registry(name: Registry) -> tuple[str, ...]:
    """What vLLM has registered under a kind, sorted."""
    return tuple(entry for entry in _data()["registries"][name] if entry not in REFUSED_CHOICES)


def parsers(kind: Literal["tool", "reasoning"]) -> tuple[str, ...]:
    """Names that engine.toolCallParser or engine.reasoningParser may have."""
    return registry("toolCallParsers" if kind == "tool" else "reasoningParsers")


def value_problem(name: str, value: Any) -> Problem | None:
    """(path below the argument, message), for an argument that vLLM has, whether `engine.args` may hold it or not."""
    return refused_inside(canonical(name), value) or problem(schema_of(name), value)


def check_value(name: str, value: Any) -> str | None:
    """What is wrong with a value, for fields of the API that stand for an argument; None when it is right."""
    found = value_problem(name, value)
    return None if found is None else " ".join(part for part in (found[0].removeprefix("."), found[1]) if part)


def own_field(name: str, engine: BaseModel) -> str | None:
    """The field of `engine` that sets this argument already, as users write it."""
    for path in FIELDS.get(name, ()):
        node: Any = engine
        for part in path.split("."):
            node = getattr(node, part) if isinstance(node, BaseModel) and part in node.model_fields_set else None
        if node is not None:
            return ".".join(to_camel(part) for part in path.split("."))
    return None


def name_error(name: str, *, remote_code: bool = False) -> str | None:
    """Why an argument may not stand in `engine.args`, by its canonical name alone. `remote_code`: the administrator allows
    code out of model repositories."""
    if name in REFUSED and not (remote_code and name == "trust_remote_code"):
        return REFUSED[name]
    if name not in known():
        hint = did_you_mean(name, sorted(known() - REFUSED.keys()))
        return f"vLLM {VLLM_VERSION.rsplit('.', 1)[0]} has no such argument; {hint or 'see `vllm serve --help`'}"
    return None


def _error(name: str, value: Any, seen: set[str], model: Model, *, remote_code: bool) -> Problem | None:
    if (message := name_error(name, remote_code=remote_code)) is not None:
        return "", message
    if (field := own_field(name, model.engine)) is not None:
        return "", f"is set twice: here and by engine.{field}"
    if name in seen:
        return "", "is set twice: once with '-' and once with '_'"
    return value_problem(name, value)


def check_args(path: str, model: Model, *, remote_code: bool = False) -> Iterator[FieldError]:
    """Unknown, refused and doubled arguments, and wrong values. `remote_code`: see name_error."""
    seen: set[str] = set()
    for spelled, value in model.engine.args.items():
        name = canonical(spelled)
        if (found := _error(name, value, seen, model, remote_code=remote_code)) is not None:
            yield FieldError(f"{path}.engine.args.{spelled}{found[0]}", found[1])
        seen.add(name)
