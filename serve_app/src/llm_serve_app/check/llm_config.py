"""One LLMConfig of Ray Serve LLM, beyond what its own class refuses (Ray 2.60.0, llm/_internal/serve/core/configs)."""

import copy
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

from ray.llm._internal.common.placement import PlacementGroupConfig
from ray.llm._internal.serve.core.configs.llm_config import LLMConfig, LoraConfig, ModelLoadingConfig
from ray.serve.schema import DeploymentSchema

from llm_serve_app.check.overrides import check_options, router_config
from llm_serve_app.check.tries import attempt, mapping, unknown
from llm_serve_app.problem import Problem
from llm_serve_app.unknown_keys import unknown_keys

SET_BY_RAY = ("model", "served_model_name")


def check_llm_config(config: Any, path: str) -> Iterator[Problem]:
    """Problems of one LLMConfig; with vLLM installed also of the engine arguments."""
    if not isinstance(config, Mapping):
        yield Problem(path, f"must be a mapping, but is {type(config).__name__}")
        return
    found = [*unknown_keys(dict(config), LLMConfig, path), *_check_parts(config, path)]
    if not found:
        found += attempt(path, lambda: LLMConfig(**_importable(config)))
    if not found and importlib.util.find_spec("vllm") is not None:
        found += attempt(f"{path}.engine_kwargs", lambda: _engine_arguments(config))
    yield from found


def _check_parts(config: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """The parts that LLMConfig takes as plain mappings, or refuses in one sentence that names no key."""
    for key, cls in (
        ("model_loading_config", ModelLoadingConfig),
        ("placement_group_config", PlacementGroupConfig),
        ("lora_config", LoraConfig),
    ):
        part = config.get(key)
        if isinstance(part, Mapping):
            yield from unknown_keys(dict(part), cls, f"{path}.{key}")
            yield from attempt(f"{path}.{key}", lambda cls=cls, part=part: cls(**part))  # type: ignore[misc]
    loading = mapping(config.get("model_loading_config"))
    if ":" in str(loading.get("model_id", "")):
        yield Problem(
            f"{path}.model_loading_config.model_id",
            f"{loading['model_id']!r} has a colon, which separates a model from its LoRA adapter; leave it out",
        )
    deployment = config.get("deployment_config")
    if isinstance(deployment, Mapping):
        yield from unknown(deployment, DeploymentSchema.model_fields, f"{path}.deployment_config")
        yield from check_options(deployment, f"{path}.deployment_config")
        for key in ("placement_group_bundles", "placement_group_strategy"):
            if key in deployment:
                yield Problem(f"{path}.deployment_config.{key}", "belongs into placement_group_config of this model")
    for key in SET_BY_RAY:
        if key in mapping(config.get("engine_kwargs")):
            yield Problem(f"{path}.engine_kwargs.{key}", "is set by Ray from model_loading_config; leave it out")
    yield from _check_lora(config, path)


def _check_lora(config: Mapping[str, Any], path: str) -> Iterator[Problem]:
    lora = config.get("lora_config")
    if not isinstance(lora, Mapping):
        return
    engine = mapping(config.get("engine_kwargs"))
    if not lora.get("dynamic_lora_loading_path"):
        yield Problem(
            f"{path}.lora_config.dynamic_lora_loading_path", "missing: the bucket below which the adapters lie"
        )
    if engine.get("enable_lora") is not True:
        yield Problem(f"{path}.engine_kwargs.enable_lora", "must be true where there is a lora_config")
    adapters, slots = lora.get("max_num_adapters_per_replica", 16), engine.get("max_loras", 1)
    if isinstance(adapters, int) and isinstance(slots, int) and slots < adapters:
        yield Problem(
            f"{path}.engine_kwargs.max_loras",
            f"{slots} is less than lora_config.max_num_adapters_per_replica ({adapters}): Serve would load adapters that"
            f" the engine has no room for; set max_loras to {adapters}",
        )


def _importable(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy whose classes need no import: routers and servers need vLLM, or are the user's own."""
    plain = copy.deepcopy(dict(config))
    router = mapping(plain.get("deployment_config")).get("request_router_config")
    if isinstance(router, Mapping):
        plain["deployment_config"]["request_router_config"] = router_config(router)
    if isinstance(plain.get("server_cls"), str):
        del plain["server_cls"]
    return plain


def _engine_arguments(config: Mapping[str, Any]) -> None:
    """What a replica does with the configuration before vLLM looks at the model: vLLM's own classes take every argument."""
    from ray.llm._internal.serve.engines.vllm.vllm_engine import _normalize_vllm_engine_kwargs
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.launchers.cli_args import FrontendArgs

    engine = LLMConfig(**_importable(config)).get_engine_config()
    FrontendArgs(**engine.frontend_kwargs)
    AsyncEngineArgs(**_normalize_vllm_engine_kwargs(engine.get_initialization_kwargs()))
