"""engine.args: names, types, values and bounds of vLLM's arguments; what is refused and why."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from builders import llm
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_operator.api.spec.model import Model
from llm_operator.plan.engine_args import (
    FIELDS,
    REGISTRIES,
    canonical,
    check_args,
    check_value,
    known,
    name_error,
    own_field,
    parsers,
    registry,
    schema_of,
    value_problem,
)
from llm_operator.plan.engine_args_refused import CODE, REFUSED, REFUSED_CHOICES, refused_inside
from llm_operator.plan.json_schema import problem

ALLOWED = sorted(known() - REFUSED.keys())


def model(**fields: Any) -> Model:
    return Model.model_validate(llm("m").model(**fields).object()["spec"]["models"][0])


def messages(**args: Any) -> list[str]:
    return [str(error) for error in check_args("m", model(engine={"args": args}))]


def a_value(schema: dict[str, Any]) -> Any:
    """Some value that the schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    if "minimum" in schema or "exclusiveMinimum" in schema:
        low: Any = schema.get("minimum", schema.get("exclusiveMinimum"))
        return low + 0.25 if "number" in schema["type"] else low + 1
    kinds = [kind for kind in schema["type"] if kind != "null"]
    values = {"array": [], "boolean": True, "integer": 1, "number": 1, "object": {}, "string": "a"}
    return values[kinds[0]] if kinds else None


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_in_either_spelling(name: str) -> None:
    value = a_value(schema_of(name))
    assert messages(**{name: value}) == []
    assert messages(**{name.replace("_", "-"): value}) == []


@pytest.mark.parametrize("name", ALLOWED)
def test_the_wrong_type_is_named(name: str) -> None:
    """Every argument that may be set has a type: none takes both a map in a list and text."""
    kinds = schema_of(name)["type"]
    wrong: Any = [{"": []}] if "array" not in kinds else "text" if "string" not in kinds else 3.5
    (message,) = messages(**{name: wrong})
    assert message.startswith(f"m.engine.args.{name}")
    assert "must be" in message


@pytest.mark.parametrize("name", sorted(known()))
def test_vllms_own_default_is_right(name: str) -> None:
    """The types, values and bounds in the data accept what vLLM itself starts with."""
    schema = schema_of(name)
    assert "default" not in schema or problem(schema, schema["default"]) is None


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_in_either_spelling(name: str) -> None:
    assert messages(**{name: 1}) == [f"m.engine.args.{name}: {REFUSED[name]}"]
    dashed = name.replace("_", "-")
    assert messages(**{dashed: 1}) == [f"m.engine.args.{dashed}: {REFUSED[name]}"]


def test_no_refusal_is_a_typing_error() -> None:
    """A name that vLLM does not have would be refused anyway, and the real one would slip through."""
    assert REFUSED.keys() <= known()


# reliability-and-security B5, and vLLM 0.29.0's own sources: what imports code, reads files, holds secrets, logs prompts.
SENSITIVE = (
    "additional_config", "allowed_local_media_path", "api_key", "code_revision", "compilation_config", "device_ids",
    "distributed_executor_backend", "ec_manager_config", "ec_transfer_config", "enable_log_outputs", "enable_log_requests",
    "enable_prompt_embeds", "hf_overrides", "hf_token", "io_processor_plugin", "kv_events_config", "kv_transfer_config",
    "log_config_file", "logits_processors", "middleware", "model", "model_class_overrides", "profiler_config",
    "ray_workers_use_nsight", "reasoning_parser_plugin", "revision", "root_path", "scheduler_cls", "served_model_name",
    "spec_model", "ssl_keyfile", "tensor_parallel_size", "tool_parser_plugin", "tool_server", "trust_remote_code",
    "trust_request_chat_template", "uds", "weight_transfer_config", "worker_cls", "worker_extension_cls",
)  # fmt: skip


@pytest.mark.parametrize("name", SENSITIVE)
def test_the_sensitive_ones_stay_refused(name: str) -> None:
    assert name in REFUSED


@pytest.mark.parametrize("name", ALLOWED)
def test_an_allowed_name_does_not_sound_like_code(name: str) -> None:
    """A new vLLM version must not bring an argument that imports something and is allowed because nobody looked."""
    assert not any(name.endswith(end) for end in ("_cls", "_class", "_plugin", "_module", "_module_path", "_code"))
    for key in schema_of(name).get("properties", {}):
        sounds = any(key.endswith(end) for end in ("_cls", "_class", "_plugin", "_module_path", "_code"))
        assert not sounds or refused_inside(name, {key: "a.b"}) is not None, f"{name}.{key}"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("max-num-seqs", "many", 'max-num-seqs: must be an integer, not "many"'),
        ("max_num_seqs", "8", 'max_num_seqs: must be an integer, not "8" (without the quotes)'),
        ("max_num_seqs", True, "max_num_seqs: must be an integer, not true"),
        ("max_num_seqs", 2.0, "max_num_seqs: must be an integer, not 2.0"),
        ("max_num_seqs", 0, "max_num_seqs: must be at least 1, not 0"),
        ("block_size", 0, "block_size: must be above 0, not 0"),
        ("kv_cache_metrics_sample", 1.5, "kv_cache_metrics_sample: must be at most 1, not 1.5"),
        ("watermark", 1, "watermark: must be below 1.0, not 1"),
        ("enforce_eager", "true", 'enforce_eager: must be true or false, not "true" (without the quotes)'),
        ("enforce_eager", 1, "enforce_eager: must be true or false, not 1"),
        ("download_dir", 1, "download_dir: must be a string, not 1"),
        ("cudagraph_capture_sizes", 8, "cudagraph_capture_sizes: must be a list of integers, not 8"),
        ("cudagraph_capture_sizes", [1, "2"],
         'cudagraph_capture_sizes[1]: must be an integer, not "2" (without the quotes)'),
        ("override_generation_config", [], "override_generation_config: must be a map, not a list"),
        ("limit_mm_per_prompt", {"image": "two"}, 'limit_mm_per_prompt.image: must be an integer or a map, not "two"'),
        ("tool_call_parser", "hermez", 'tool_call_parser: unknown value "hermez"; did you mean "hermes"?'),
        ("attention_backend", "flash_attn", 'attention_backend: unknown value "flash_attn"; did you mean "FLASH_ATTN"?'),
        ("runner-type", 1, "runner-type: vLLM 0.29 has no such argument; see `vllm serve --help`"),
        ("max_num_sequences", 1, 'max_num_sequences: vLLM 0.29 has no such argument; did you mean "max_num_seqs"?'),
        ("structured_outputs_config", {"backendd": 1},
         'structured_outputs_config.backendd: unknown field; did you mean "backend"?'),
        ("structured_outputs_config", {"reasoning_parser_plugin": "a.py"},
         f"structured_outputs_config.reasoning_parser_plugin: {CODE}"),
        ("attention_config", {"flash_attn_version": 9},
         "attention_config.flash_attn_version: unknown value 9; one of 2, 3, 4"),
        ("speculative_config", {"model": "os.system"},
         f'speculative_config.model: "os.system" names a Python class, not a model: {CODE}'),
        ("speculative-config", {"code-revision": "x"}, f"speculative-config.code-revision: {CODE}"),
        ("mm_processor_kwargs", {"a": [{"trust_remote_code": True}]},
         f"mm_processor_kwargs.a[0].trust_remote_code: {CODE}"),
        ("model_loader_extra_config", {"tensorizer": {"s3_secret_access_key": "x"}},
         "model_loader_extra_config.tensorizer.s3_secret_access_key: would put a secret into the spec: "
         "use engine.env with secretKeyRef"),
    ],
)  # fmt: skip
def test_what_a_user_sees(name: str, value: Any, message: str) -> None:
    assert messages(**{name: value}) == [f"m.engine.args.{message}"]


def test_a_draft_model_is_no_class() -> None:
    good = {"method": "draft_model", "model": "Qwen/Qwen3-0.6B", "num_speculative_tokens": 3}
    assert messages(speculative_config=good) == []


@pytest.mark.parametrize("choice", sorted(REFUSED_CHOICES))
def test_a_refused_choice_is_in_no_list(choice: str) -> None:
    assert all(choice not in registry(name) for name in REGISTRIES)
    (message,) = messages(speculative_config={"method": choice})
    assert message.startswith(f'm.engine.args.speculative_config.method: unknown value "{choice}"; ')
    assert choice not in message.split(";", 1)[1]


def test_a_hint_never_names_a_refused_argument() -> None:
    (message,) = messages(**{"trust-remote-cod": True})
    assert "trust_remote_code" not in message


def test_both_spellings_at_once() -> None:
    assert messages(**{"stream_interval": 1, "stream-interval": 2}) == [
        "m.engine.args.stream-interval: is set twice: once with '-' and once with '_'"
    ]


OWN: dict[str, tuple[str, dict[str, Any], Any]] = {
    "allowed_media_domains": (
        "multimodal.allowedMediaDomains",
        {"multimodal": {"allowedMediaDomains": ["a.b"]}},
        ["a.b"],
    ),
    "chat_template": ("chatTemplate.inline", {"chatTemplate": {"inline": "x"}}, "x"),
    "default_chat_template_kwargs": (
        "chatTemplate.defaultKwargs",
        {"chatTemplate": {"defaultKwargs": {"a": 1}}},
        {"a": 1},
    ),
    "dtype": ("dtype", {"dtype": "bfloat16"}, "bfloat16"),
    "enable_chunked_prefill": ("chunkedPrefill", {"chunkedPrefill": True}, True),
    "enable_prefix_caching": ("prefixCaching", {"prefixCaching": False}, False),
    "enforce_eager": ("eager", {"eager": True}, True),
    "gpu_memory_utilization": ("gpuMemoryUtilization", {"gpuMemoryUtilization": 0.5}, 0.5),
    "kv_cache_dtype": ("kvCacheDtype", {"kvCacheDtype": "fp8"}, "fp8"),
    "limit_mm_per_prompt": (
        "multimodal.limitPerPrompt",
        {"multimodal": {"limitPerPrompt": {"image": 1}}},
        {"image": 1},
    ),
    "max_model_len": ("contextLength", {"contextLength": 512}, 512),
    "max_num_batched_tokens": ("maxNumBatchedTokens", {"maxNumBatchedTokens": 512}, 512),
    "max_num_seqs": ("maxNumSeqs", {"maxNumSeqs": 8}, 8),
    "mm_processor_kwargs": ("multimodal.maxPixels", {"multimodal": {"maxPixels": 9}}, {"max_pixels": 9}),
    "quantization": ("quantization", {"quantization": "fp8"}, "fp8"),
    "reasoning_parser": ("reasoningParser", {"reasoningParser": "qwen3"}, "qwen3"),
    "speculative_config": ("speculative", {"speculative": {"method": "ngram", "tokens": 2}}, {"method": "ngram"}),
    "structured_outputs_config": ("structuredOutput", {"structuredOutput": {"backend": "outlines"}}, {}),
    "tool_call_parser": ("toolCallParser", {"toolCallParser": "hermes"}, "hermes"),
}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_an_argument_with_a_field_of_its_own(name: str) -> None:
    field, engine, value = OWN[name]
    made = model(engine={**engine, "args": {name: value}})
    assert [error.message for error in check_args("m", made)] == [f"is set twice: here and by engine.{field}"]
    assert messages(**{name: value}) == []
    assert own_field(name, model().engine) is None


def test_fields_are_arguments_that_may_be_set() -> None:
    assert FIELDS.keys() <= set(ALLOWED)


def test_parsers_and_registries() -> None:
    assert {"hermes", "llama3_json", "openai"} <= set(parsers("tool"))
    assert {"qwen3", "deepseek_r1", "openai_gptoss"} <= set(parsers("reasoning"))
    assert "NixlConnector" in registry("kvConnectors")
    assert all(list(registry(name)) == sorted(registry(name)) and registry(name) for name in REGISTRIES)


def test_check_value_for_fields() -> None:
    assert check_value("quantization", "fp8") is None
    assert check_value("kv-cache-dtype", "fp9") == 'unknown value "fp9"; did you mean "fp8"?'
    assert (
        check_value("speculative_config", {"num_speculative_tokens": 0})
        == "num_speculative_tokens must be above 0, not 0"
    )


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema for the reference implementation: an empty list of types means any there, too."""
    made = {key: value for key, value in schema.items() if key not in ("default", "description", "type")}
    made |= {"type": schema["type"]} if schema["type"] else {}
    if "items" in made:
        made["items"] = _strict(made["items"])
    if isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = _strict(made["additionalProperties"])
    if "properties" in made:
        made["properties"] = {key: _strict(value) for key, value in made["properties"].items()}
    return made


# JSON Schema takes 2.0 for an integer; here it is none, because vLLM would carry it on as a float.
fractions = st.floats(-2, 2, allow_nan=False).filter(lambda value: not value.is_integer())
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 4000) | fractions | st.sampled_from(["auto", "fp8", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["image", "backend", "method", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(ALLOWED), value=values)
def test_agrees_with_a_real_json_schema_validator(name: str, value: Any) -> None:
    """The small checker against `jsonschema`, on every argument's schema."""
    reference = jsonschema.Draft202012Validator(_strict(schema_of(name)))
    assert (value_problem(name, value) is None) == reference.is_valid(value)


def test_canonical() -> None:
    assert canonical("max-num-seqs") == canonical("max_num_seqs") == "max_num_seqs"


def test_code_of_a_repository_where_the_administrator_allows_it() -> None:
    assert name_error("trust_remote_code") == REFUSED["trust_remote_code"]
    assert name_error("trust_remote_code", remote_code=True) is None
    others = REFUSED.keys() - {"trust_remote_code"}
    assert {name: name_error(name, remote_code=True) for name in others} == {name: REFUSED[name] for name in others}
