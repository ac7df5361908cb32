"""vLLM arguments that `engine.args` may not hold, each with the reason and, where there is one, the field to use instead.

Facts: vLLM 0.29.0 (config/*.py, engine/arg_utils.py, entrypoints/launchers/cli_args.py). Three kinds matter most: what runs
code of the caller's choice, what would put a secret into the spec, and what the operator plans (devices, ports, names).
"""

import re
from typing import Any, Final

CODE: Final = "runs code of the caller's choice and is refused"
_OWNED: Final = "is set by the operator"
_SERVER: Final = "belongs to vLLM's own HTTP server process, which Ray Serve replaces"
_CREDENTIAL: Final = "would put a secret into the spec"
_REMOTE_CODE: Final = (
    "runs code out of the model's repository, which is not allowed in this cluster: use a model that vLLM knows, or ask the "
    "operator's administrator to set LLM_OPERATOR_ALLOW_REMOTE_CODE (chart value operator.allowRemoteCode)"
)
_LOGS: Final = "writes prompts or answers to logs"
_CALLERS: Final = "opens the replica to its callers and is refused"

REFUSED: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "additional_config", "compilation_config", "ec_manager_config", "ec_transfer_config", "hf_overrides",
            "io_processor_plugin", "logits_processors", "middleware", "model_class_overrides", "profiler_config",
            "reasoning_parser_plugin", "scheduler_cls", "tool_parser_plugin", "tool_server",
            "weight_transfer_config", "worker_cls", "worker_extension_cls",
        ),
        CODE,
    ),
    "trust_remote_code": _REMOTE_CODE,
    "kv_transfer_config": f"{CODE}: use disaggregation or kvCache.offload",
    **dict.fromkeys(("allowed_local_media_path", "enable_prompt_embeds", "trust_request_chat_template"), _CALLERS),
    **dict.fromkeys(
        (
            "data_parallel_address", "data_parallel_backend", "data_parallel_external_lb", "data_parallel_hybrid_lb",
            "data_parallel_multi_port_external_lb", "data_parallel_rank", "data_parallel_rpc_port", "data_parallel_size_local",
            "data_parallel_start_rank", "data_parallel_supervisor_port", "device_ids", "distributed_executor_backend",
            "enable_elastic_ep", "master_addr", "master_port", "nnodes", "node_rank", "prefill_context_parallel_size",
            "ray_workers_use_nsight", "tokens_only",
        ),
        _OWNED,
    ),
    "tensor_parallel_size": f"{_OWNED}: use parallelism.tensor",
    "pipeline_parallel_size": f"{_OWNED}: use parallelism.pipeline",
    "data_parallel_size": f"{_OWNED}: use parallelism.data",
    "enable_expert_parallel": f"{_OWNED}: use parallelism.expert",
    **dict.fromkeys(("enable_lora", "lora_modules"), f"{_OWNED}: use lora"),
    "max_lora_rank": f"{_OWNED}: use lora.maxRank",
    **dict.fromkeys(("max_loras", "max_cpu_loras"), f"{_OWNED}: use lora.maxAdaptersPerReplica"),
    "runner": f"{_OWNED}: use task",
    **dict.fromkeys(("spec_method", "spec_model", "spec_tokens"), f"{_OWNED}: use engine.speculative"),
    "kv_offloading_size": f"{_OWNED}: use kvCache.offload.memory, which counts in the pod's memory",
    "kv_events_config": f"{_OWNED}: use routing.strategy KVAware",
    **dict.fromkeys(("model", "model_weights"), f"{_OWNED}: use source.uri"),
    **dict.fromkeys(("code_revision", "revision", "tokenizer_revision"), f"{_OWNED}: use source.revision"),
    "served_model_name": f"{_OWNED}: use name and aliases",
    "hf_token": f"{_CREDENTIAL}: use source.tokenSecretRef",
    "api_key": _CREDENTIAL,
    # Ray 2.60.0, llm/_internal/serve/core/configs/llm_config.py: log_engine_metrics is on, and refuses to go without.
    "disable_log_stats": "the engine's metrics are made from these statistics: remove it",
    **dict.fromkeys(("enable_log_outputs", "enable_log_requests", "enable_log_deltas", "max_log_len"), _LOGS),
    **dict.fromkeys(
        (
            "aggregate_engine_logging", "allow_credentials", "allowed_headers", "allowed_methods", "allowed_origins",
            "disable_access_log_for_endpoints", "disable_fastapi_docs", "disable_uvicorn_access_log",
            "dp_supervisor_probe_failure_threshold", "dp_supervisor_probe_interval_s", "dp_supervisor_probe_timeout_s",
            "enable_offline_docs", "enable_ssl_refresh", "h11_max_header_count", "h11_max_incomplete_event_size", "host",
            "log_config_file", "port", "root_path", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_ciphers",
            "ssl_keyfile", "uds", "uvicorn_log_level",
        ),
        _SERVER,
    ),
}  # fmt: skip

# Keys of nested maps, wherever they stand: structured_outputs_config.reasoning_parser_plugin, speculative_config.code_revision, …
_CODE_KEYS: Final = frozenset(name for name, reason in REFUSED.items() if reason.startswith(CODE)) | {
    "code_revision",
    "ec_connector_module_path",
    "encoder_cache_manager_cls",
    "kv_connector_module_path",
    "trust_remote_code",
}
_SECRET_KEY: Final = re.compile(
    r"(^|_)(secret|password|passwd|credentials?|private_key|access_key(_id)?|api_key|hf_token|auth_token|session_token)(_|$)"
)
# vLLM 0.29.0, config/speculative.py, _is_custom_proposer_path: a dotted name without a slash is imported as a Python class.
_CLASS_PATH: Final = re.compile(r"^[^/]*\.[^/]*$")

REFUSED_CHOICES: Final = frozenset({"custom_class"})
"""Allowed values of vLLM that are left out of every list: method custom_class of speculative decoding imports a class."""


def refused_inside(name: str, value: Any, where: str = "") -> tuple[str, str] | None:
    """(path below the argument, message) of the first key inside a value that may not be there."""
    if isinstance(value, list):
        found = (refused_inside(name, item, f"{where}[{i}]") for i, item in enumerate(value))
        return next((problem for problem in found if problem is not None), None)
    if not isinstance(value, dict):
        return None
    for key, inner in value.items():
        here, plain = f"{where}.{key}", key.replace("-", "_")
        if plain in _CODE_KEYS:
            return here, CODE
        if _SECRET_KEY.search(plain.lower()):
            return here, f"{_CREDENTIAL}: use engine.env with secretKeyRef"
        if name == "speculative_config" and plain == "model" and isinstance(inner, str) and _CLASS_PATH.match(inner):
            return here, f'"{inner}" names a Python class, not a model: {CODE}'
        if (problem := refused_inside(name, inner, here)) is not None:
            return problem
    return None
