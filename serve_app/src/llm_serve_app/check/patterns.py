"""The three ways in which Ray Serve LLM 2.60 builds an application: engine deployments, and what each way demands.

Sources: ray/llm/_internal/serve/core/{server,ingress}/builder.py, serving_patterns/{data_parallel,prefill_decode}/builder.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llm_serve_app.check.overrides import dotted
from llm_serve_app.check.server import Pods, Server, model_id_of, server_of
from llm_serve_app.check.tries import mapping
from llm_serve_app.problem import Problem


@dataclass(frozen=True, slots=True)
class Builder:
    """`servers(args, path)` lists the engine deployments; `rules` yields what only this builder demands."""

    config_keys: tuple[str, ...]
    servers: Callable[[Mapping[str, Any], str], list[Server]]
    rules: Callable[[Mapping[str, Any], str, Pods], Iterator[Problem]]


def _openai_servers(args: Mapping[str, Any], path: str) -> list[Server]:
    configs = args.get("llm_configs")
    found = []
    for index, config in enumerate(configs if isinstance(configs, list) else []):
        kind = dotted(mapping(config).get("server_cls")).rpartition(".")[2] or "LLMServer"
        found.append(server_of(config, f"{path}.llm_configs[{index}]", kind))
    return found


def _openai_rules(args: Mapping[str, Any], path: str, pods: Pods) -> Iterator[Problem]:
    configs = args.get("llm_configs")
    if not isinstance(configs, list) or not configs:
        yield Problem(f"{path}.llm_configs", "must be a list of at least one LLMConfig")
        return
    servers = _openai_servers(args, path)
    ids = [model_id_of(server.config) for server in servers]
    for model in sorted({model for model in ids if model is not None and ids.count(model) > 1}):
        yield Problem(f"{path}.llm_configs", f"model_id {model!r} is used more than once; ids must be unique")
    if pods.direct_streaming and len(configs) > 1:
        yield Problem(f"{path}.llm_configs", f"direct streaming serves exactly one model, but there are {len(configs)}")
    for server in servers:
        if server.gang_size > 1:
            yield Problem(
                f"{server.path}.engine_kwargs.data_parallel_size",
                f"{server.gang_size} needs the import path ray.serve.llm:build_dp_openai_app, which makes the replicas of"
                " a group start together",
            )


def _dp_servers(args: Mapping[str, Any], path: str) -> list[Server]:
    return [server_of(args["llm_config"], f"{path}.llm_config", "DPServer")] if "llm_config" in args else []


def _dp_rules(args: Mapping[str, Any], path: str, pods: Pods) -> Iterator[Problem]:
    yield from _present(args, ("llm_config",), path)
    size = mapping(mapping(args.get("llm_config")).get("engine_kwargs")).get("data_parallel_size", 1)
    if "llm_config" in args and (not isinstance(size, int) or isinstance(size, bool) or size < 2):
        yield Problem(
            f"{path}.llm_config.engine_kwargs.data_parallel_size",
            f"must be an integer of 2 or more with this builder, but is {size!r}: DPServer does not start without a group",
        )


def _pd_servers(args: Mapping[str, Any], path: str) -> list[Server]:
    kinds = (("prefill_config", "Prefill"), ("decode_config", "Decode"))
    return [server_of(args[key], f"{path}.{key}", kind) for key, kind in kinds if key in args]


def _pd_rules(args: Mapping[str, Any], path: str, pods: Pods) -> Iterator[Problem]:
    yield from _present(args, ("prefill_config", "decode_config"), path)
    servers = _pd_servers(args, path)
    for server in servers:
        transfer = mapping(server.config.get("engine_kwargs")).get("kv_transfer_config")
        if not isinstance(transfer, Mapping) or not transfer.get("kv_connector"):
            yield Problem(
                f"{server.path}.engine_kwargs.kv_transfer_config",
                "must be a mapping with kv_connector (for example NixlConnector): the engines hand the KV cache over with it",
            )
    if len(servers) < 2:
        return
    prefill, decode = (server.config for server in servers)
    if model_id_of(prefill) != model_id_of(decode):
        yield Problem(
            f"{path}.decode_config.model_loading_config.model_id",
            f"{model_id_of(decode)!r} is not the id of prefill_config ({model_id_of(prefill)!r}); both serve one model",
        )
    roots = [mapping(config.get("lora_config")).get("dynamic_lora_loading_path") for config in (prefill, decode)]
    if roots[0] != roots[1]:
        yield Problem(
            f"{path}.decode_config.lora_config",
            f"prefill and decode need the same adapters, but their paths are {roots[0]!r} and {roots[1]!r}",
        )


def _present(args: Mapping[str, Any], keys: tuple[str, ...], path: str) -> Iterator[Problem]:
    for key in keys:
        if key not in args:
            yield Problem(f"{path}.{key}", "missing: a mapping, one LLMConfig")


OPENAI = Builder(("llm_configs",), _openai_servers, _openai_rules)
DATA_PARALLEL = Builder(("llm_config",), _dp_servers, _dp_rules)
PREFILL_DECODE = Builder(("prefill_config", "decode_config"), _pd_servers, _pd_rules)
BUILDERS: Mapping[str, Builder] = {
    "ray.serve.llm.build_openai_app": OPENAI,
    "ray.serve.llm.build_dp_openai_app": DATA_PARALLEL,
    "ray.serve.llm.build_pd_openai_app": PREFILL_DECODE,
}
