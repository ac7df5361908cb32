"""Which vLLM arguments `engine.args` may hold, and the engine's keyword arguments made from a model.

The names are data generated from vLLM's own argument classes (`data/vllm-<version>.json`). Left out of them are
arguments that run code of the caller's choice, that hold secrets, and that the operator owns.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, Final

from llm_operator.api.types import Model
from llm_operator.api.validation import FieldError, did_you_mean

_CODE: Final = "runs code of the caller's choice and is refused"
_OWNED: Final = "is set by the operator"
_SERVER: Final = "belongs to vLLM's own HTTP server, which Ray Serve replaces"

REFUSED: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "ec_transfer_config", "hf_overrides", "io_processor_plugin", "kv_transfer_config", "logits_processors", "middleware",
            "model_class_overrides", "reasoning_parser_plugin", "scheduler_cls", "tool_parser_plugin", "tool_server",
            "trust_remote_code", "weight_transfer_config", "worker_cls", "worker_extension_cls", "additional_config",
            "compilation_config", "profiler_config",
        ),
        _CODE,
    ),
    **dict.fromkeys(
        ("allowed_local_media_path", "enable_prompt_embeds", "trust_request_chat_template"),
        "opens the replica to its callers and is refused",
    ),
    **dict.fromkeys(
        (
            "data_parallel_address", "data_parallel_backend", "data_parallel_external_lb", "data_parallel_hybrid_lb",
            "data_parallel_multi_port_external_lb", "data_parallel_rank", "data_parallel_rpc_port", "data_parallel_size",
            "data_parallel_size_local", "data_parallel_start_rank", "data_parallel_supervisor_port", "device_ids",
            "distributed_executor_backend", "enable_elastic_ep", "enable_lora", "lora_modules", "master_addr", "master_port",
            "nnodes", "node_rank", "pipeline_parallel_size", "prefill_context_parallel_size",
            "ray_workers_use_nsight",
        ),
        _OWNED,
    ),
    **dict.fromkeys(("model", "model_weights"), f"{_OWNED}: use source.uri"),
    **dict.fromkeys(("code_revision", "revision", "tokenizer_revision"), f"{_OWNED}: use source.revision"),
    "served_model_name": f"{_OWNED}: use name and aliases",
    "tensor_parallel_size": f"{_OWNED}: use parallelism.tensor",
    "hf_token": "would put a secret into the spec: use source.tokenSecretRef",
    "api_key": "is ignored by Ray Serve's OpenAI ingress (Ray 2.60) and would be a secret in the spec",
    **dict.fromkeys(("enable_log_outputs", "enable_log_requests", "enable_log_deltas"), "writes prompts or answers to logs"),
    **dict.fromkeys(
        (
            "allow_credentials", "allowed_headers", "allowed_methods", "allowed_origins", "disable_fastapi_docs",
            "disable_uvicorn_access_log", "enable_offline_docs", "enable_ssl_refresh", "h11_max_header_count",
            "h11_max_incomplete_event_size", "host", "log_config_file", "port", "root_path", "ssl_ca_certs", "ssl_cert_reqs",
            "ssl_certfile", "ssl_ciphers", "ssl_keyfile", "uds", "uvicorn_log_level",
        ),
        _SERVER,
    ),
}  # fmt: skip

# Fields of `engine` under vLLM's own name.
_FIELDS: Final = {
    "max_model_len": "context_length",
    "dtype": "dtype",
    "quantization": "quantization",
    "gpu_memory_utilization": "gpu_memory_utilization",
    "max_num_seqs": "max_num_seqs",
}


@cache
def known() -> frozenset[str]:
    """The arguments of vLLM 0.29 (the version inside the default image)."""
    text = resources.files("llm_operator.plan").joinpath("data/vllm-0.29.0.json").read_text(encoding="utf-8")
    return frozenset(json.loads(text)["arguments"])


def _error(name: str, seen: set[str], fields: set[str]) -> str | None:
    if name in REFUSED:
        return REFUSED[name]
    if name not in known():
        hint = did_you_mean(name, sorted(known() - REFUSED.keys()))
        return f"vLLM 0.29 has no such argument; {hint or 'see `vllm serve --help`'}"
    if name in fields:
        return "is set twice: here and by its own field of engine"
    if name in seen:
        return "is set twice: once with '-' and once with '_'"
    return None


def check_args(path: str, model: Model) -> Iterator[FieldError]:
    """Unknown, refused and doubled arguments."""
    fields = {name for name, field in _FIELDS.items() if field in model.engine.model_fields_set}
    seen: set[str] = set()
    for spelled in model.engine.args:
        name = spelled.replace("-", "_")
        if (message := _error(name, seen, fields)) is not None:
            yield FieldError(f"{path}.engine.args.{spelled}", message)
        seen.add(name)


def engine_kwargs(model: Model) -> dict[str, Any]:
    """Keyword arguments of vLLM's AsyncEngineArgs, as Ray's LLMConfig.engine_kwargs takes them."""
    kwargs: dict[str, Any] = {name.replace("-", "_"): value for name, value in model.engine.args.items()}
    for name, field in _FIELDS.items():
        value = getattr(model.engine, field)
        if value is not None and name not in kwargs:
            kwargs[name] = value
    kwargs["tensor_parallel_size"] = model.parallelism.tensor
    if model.source.revision is not None:
        kwargs |= {"revision": model.source.revision, "tokenizer_revision": model.source.revision}
    return kwargs
