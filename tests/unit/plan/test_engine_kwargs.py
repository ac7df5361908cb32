"""Each field of engine, task and kvCache → the arguments of vLLM, what else it brings, and nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from builders import llm
from llm_operator.api.spec.engine import Engine
from llm_operator.api.spec.source import EnvVar
from llm_operator.plan.engine_args import known, value_problem
from llm_operator.plan.engine_args_refused import REFUSED
from llm_operator.plan.pods import KeyFile, Mount
from unit.plan.features import OWN_IMAGE, added, engine, group, planned, refused

TEMPLATE = "{{ messages[0].content }}"

# (name, fields of the model, arguments that they add)
ADDED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("contextLength", {"engine": {"contextLength": 4096}}, {"max_model_len": 4096}),
    ("dtype", {"engine": {"dtype": "float16"}}, {"dtype": "float16"}),
    ("quantization", {"engine": {"quantization": "awq"}}, {"quantization": "awq"}),
    ("kvCacheDtype", {"engine": {"kvCacheDtype": "fp8"}}, {"kv_cache_dtype": "fp8"}),
    ("gpuMemoryUtilization", {"engine": {"gpuMemoryUtilization": 0.5}}, {"gpu_memory_utilization": 0.5}),
    ("maxNumSeqs", {"engine": {"maxNumSeqs": 7}}, {"max_num_seqs": 7}),
    ("maxNumBatchedTokens", {"engine": {"maxNumBatchedTokens": 999}}, {"max_num_batched_tokens": 999}),
    ("prefixCaching", {"engine": {"prefixCaching": False}}, {"enable_prefix_caching": False}),
    ("chunkedPrefill", {"engine": {"chunkedPrefill": True}}, {"enable_chunked_prefill": True}),
    ("eager", {"engine": {"eager": True}}, {"enforce_eager": True}),
    ("toolCallParser", {"engine": {"toolCallParser": "hermes"}},
     {"tool_call_parser": "hermes", "enable_auto_tool_choice": True}),
    ("reasoningParser", {"engine": {"reasoningParser": "qwen3"}}, {"reasoning_parser": "qwen3"}),
    ("chatTemplate inline", {"engine": {"chatTemplate": {"inline": TEMPLATE}}}, {"chat_template": TEMPLATE}),
    ("chatTemplate of a ConfigMap", {"engine": {"chatTemplate": {"configMapKeyRef": {"name": "t", "key": "k"}}}},
     {"chat_template": "/mnt/chat-template/template.jinja"}),
    ("defaultKwargs", {"engine": {"chatTemplate": {"defaultKwargs": {"enable_thinking": False, "n": [1]}}}},
     {"default_chat_template_kwargs": {"enable_thinking": False, "n": [1]}}),
    ("limitPerPrompt", {"engine": {"multimodal": {"limitPerPrompt": {"image": 3, "audio": 0}}}},
     {"limit_mm_per_prompt": {"image": 3, "audio": 0}}),
    ("pixels", {"engine": {"multimodal": {"minPixels": 5, "maxPixels": 9}}},
     {"mm_processor_kwargs": {"min_pixels": 5, "max_pixels": 9}}),
    ("one bound of pixels", {"engine": {"multimodal": {"maxPixels": 9}}}, {"mm_processor_kwargs": {"max_pixels": 9}}),
    ("allowedMediaDomains, in a fixed order", {"engine": {"multimodal": {"allowedMediaDomains": ["b.c", "a.b"]}}},
     {"allowed_media_domains": ["a.b", "b.c"]}),
    ("an empty block", {"engine": {"multimodal": {}}}, {}),
    ("structuredOutput", {"engine": {"structuredOutput": {"backend": "guidance"}}},
     {"structured_outputs_config": {"backend": "guidance"}}),
    ("compact JSON", {"engine": {"structuredOutput": {"backend": "xgrammar", "disableAnyWhitespace": True}}},
     {"structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True}}),
    ("ngram", {"engine": {"speculative": {"method": "ngram", "tokens": 4, "promptLookupMax": 6, "promptLookupMin": 2}}},
     {"speculative_config": {"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 6, "prompt_lookup_min": 2}}),
    ("a draft model of the hub",
     {"engine": {"speculative": {"method": "eagle3", "tokens": 2, "model": "hf://a/b", "revision": "main", "draftTensor": 1}}},
     {"speculative_config": {"method": "eagle3", "num_speculative_tokens": 2, "model": "a/b", "revision": "main",
                             "draft_tensor_parallel_size": 1}}),
    ("a draft model in the image", {"engine": {"speculative": {"method": "medusa", "tokens": 2, "model": "file:///m/d"}}},
     {"speculative_config": {"method": "medusa", "num_speculative_tokens": 2, "model": "/m/d"}}),
    ("mtp with a head of its own", {"engine": {"speculative": {"method": "mtp", "tokens": 1, "model": "hf://a/b"}}},
     {"speculative_config": {"method": "mtp", "num_speculative_tokens": 1, "model": "a/b"}}),
    ("task Generate", {"task": "Generate"}, {}),
    ("task Embed", {"task": "Embed"}, {"runner": "pooling", "convert": "embed"}),
    ("task Score", {"task": "Score"}, {"runner": "pooling"}),
    ("task Transcribe", {"task": "Transcribe"}, {"runner": "generate"}),
    ("args, either spelling", {"engine": {"args": {"block-size": 32, "seed": 3}}}, {"block_size": 32, "seed": 3}),
    ("an argument instead of a default", {"engine": {"args": {"dtype": "bfloat16"}}}, {"dtype": "bfloat16"}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "want"), [pytest.param(fields, want, id=name) for name, fields, want in ADDED])
def test_added(fields: dict[str, Any], want: dict[str, Any]) -> None:
    assert added(**fields) == want


@pytest.mark.parametrize("fields", [pytest.param(fields, id=name) for name, fields, _ in ADDED])
def test_vllm_knows_every_argument_and_takes_its_value(fields: dict[str, Any]) -> None:
    for name, value in added(**fields).items():
        assert name in known()
        assert value_problem(name, value) is None


def test_every_field_of_the_engine_has_a_row() -> None:
    """A new field without an effect would be accepted and ignored."""
    elsewhere = {"type", "image", "simulation", "env"}  # test_simulated…, groups and env: tests/golden
    seen = {name for _, fields, _ in ADDED for name in fields.get("engine", {})}
    assert seen == {field.alias for name, field in Engine.model_fields.items() if name not in elsewhere}


SET_TWICE = [
    pytest.param(fields, name, value, id=f"{row}: {name}")
    for row, fields, want in ADDED
    if "args" not in fields.get("engine", {})
    for name, value in want.items()
    if name not in REFUSED
]


@pytest.mark.parametrize(("fields", "name", "value"), SET_TWICE)
def test_an_argument_beside_its_field_is_refused_once(fields: dict[str, Any], name: str, value: Any) -> None:
    """Whichever of the two won, the other would have been accepted and ignored."""
    made = llm("m").model(**{**fields, "engine": {**fields.get("engine", {}), "args": {name: value}}})
    (message,) = refused(made)
    assert message.startswith(f"spec.models[0].engine.args.{name}: is set twice: here and by ")


def test_arguments_that_the_operator_owns_cannot_be_written() -> None:
    made = {name for _, fields, want in ADDED if "task" in fields for name in want}
    assert made - {"convert"} <= REFUSED.keys()


def test_a_template_out_of_a_config_map_is_a_read_only_file() -> None:
    made = llm("m").model(engine={"chatTemplate": {"configMapKeyRef": {"name": "templates", "key": "qwen.jinja"}}})
    path = dict(engine(made).engine_kwargs)["chat_template"]
    assert group(made).mounts == (
        Mount("chat-template", path, KeyFile("configMap", "templates", "qwen.jinja"), read_only=True),
    )


def test_allowed_hosts_close_the_way_round_by_redirects() -> None:
    """vLLM looks at the host of the URL in the request, then follows redirects to any other."""
    made = llm("m").model(engine={"multimodal": {"allowedMediaDomains": ["a.b"]}})
    assert dict(engine(made).env)["VLLM_MEDIA_URL_ALLOW_REDIRECTS"] == "0"
    assert "VLLM_MEDIA_URL_ALLOW_REDIRECTS" not in dict(engine(llm("m").model(engine={"multimodal": {}})).env)


@pytest.mark.parametrize(
    ("count", "parallelism", "memory", "want"),
    [
        (1, {}, "4Gi", 4),
        (4, {"tensor": 4}, "16Gi", 16),
        (8, {"tensor": 1}, "2Gi", 2),  # eight replicas in one pod: each has its own
        (8, {"tensor": 8, "pipeline": 2}, "16Gi", 32),  # one replica over two pods
        (4, {"tensor": 4, "pipeline": 4}, "16Gi", 64),
        (1, {}, "1536Mi", 1.5),
        (1, {}, "5G", 4.657),
    ],
)
def test_kv_offload_is_in_gib_and_of_the_whole_replica(
    count: int, parallelism: dict[str, int], memory: str, want: float
) -> None:
    made = llm("m").gpu("H100", count).model(parallelism=parallelism, kvCache={"offload": {"memory": memory}})
    kwargs = dict(engine(made).engine_kwargs)
    assert (kwargs["kv_offloading_size"], kwargs["kv_offloading_backend"]) == (want, "native")


def test_the_simulated_engine_gets_what_vllm_would_get() -> None:
    """Switching the type back and forth changes the class and its settings, nothing else."""
    fields = {
        "toolCallParser": "hermes",
        "structuredOutput": {"backend": "xgrammar"},
        "speculative": {"method": "mtp", "tokens": 1},
    }
    made = llm("m").with_("spec.ray", OWN_IMAGE).model(cache={"compiled": {"emptyDir": {}}})
    real, simulated = (made.model(engine={"type": kind, **fields}) for kind in ("vLLM", "Simulated"))
    assert engine(real).engine_kwargs == engine(simulated).engine_kwargs
    assert group(real) == group(simulated)
    assert dict(engine(simulated).env).keys() - dict(engine(real).env).keys() == {"RAYLLM_VLLM_ENGINE_CLS"}


def test_a_preset_fills_in_and_the_users_field_wins() -> None:
    assert added(preset="qwen3")["reasoning_parser"] == "qwen3"
    assert added(preset="qwen3", engine={"reasoningParser": "deepseek_r1"})["reasoning_parser"] == "deepseek_r1"
    assert added(preset="qwen3-embedding")["runner"] == "pooling"


def test_the_users_variables_stay() -> None:
    made = llm("m").model(
        engine={"env": [{"name": "NCCL_DEBUG", "value": "INFO"}]}, cache={"compiled": {"emptyDir": {}}}
    )
    assert group(made).env == (EnvVar(name="NCCL_DEBUG", value="INFO"),)


def test_two_models_do_not_share_what_one_asks_for() -> None:
    made = llm("m").model(engine={"toolCallParser": "hermes"}).add_model("n")
    first, second = planned(made).models
    assert "tool_call_parser" in dict(first.serving.servers[0].engine.engine_kwargs)
    assert "tool_call_parser" not in dict(second.serving.servers[0].engine.engine_kwargs)
