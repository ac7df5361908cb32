"""The engine's settings → keyword arguments of vLLM's AsyncEngineArgs, as Ray's LLMConfig.engine_kwargs takes them.

Names: vLLM 0.29 (plan/data/vllm-0.29.0.json). Tests: tests/unit/plan/test_engine_kwargs.py.
"""

from typing import Any, Final

from llm_operator.api.spec.engine import Engine
from llm_operator.api.spec.hardware import Parallelism
from llm_operator.api.spec.model import Model

# vLLM's name → field of `engine`.
FIELDS: Final = {
    "max_model_len": "context_length",
    "dtype": "dtype",
    "quantization": "quantization",
    "kv_cache_dtype": "kv_cache_dtype",
    "gpu_memory_utilization": "gpu_memory_utilization",
    "max_num_seqs": "max_num_seqs",
    "max_num_batched_tokens": "max_num_batched_tokens",
    "enable_prefix_caching": "prefix_caching",
    "enable_chunked_prefill": "chunked_prefill",
    "enforce_eager": "eager",
    "tool_call_parser": "tool_call_parser",
    "reasoning_parser": "reasoning_parser",
}


def _plain(engine: Engine) -> dict[str, Any]:
    kwargs: dict[str, Any] = {name.replace("-", "_"): value for name, value in engine.args.items()}
    for name, field in FIELDS.items():
        value = getattr(engine, field)
        if value is not None and name not in kwargs:
            kwargs[name] = value
    return kwargs


def _parallel(parallelism: Parallelism) -> dict[str, Any]:
    kwargs: dict[str, Any] = {"tensor_parallel_size": parallelism.tensor}
    if parallelism.pipeline > 1:
        kwargs["pipeline_parallel_size"] = parallelism.pipeline
    if parallelism.data > 1:
        kwargs["data_parallel_size"] = parallelism.data
    if parallelism.expert:
        kwargs["enable_expert_parallel"] = True
    return kwargs


def engine_kwargs(model: Model, parallelism: Parallelism) -> dict[str, Any]:
    """`parallelism`: of the model, or of the half of it that is asked about."""
    return _plain(model.engine) | _parallel(parallelism)
