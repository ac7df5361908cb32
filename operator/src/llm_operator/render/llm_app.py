"""A model's Serve application, by one of Ray Serve LLM's builders (Ray 2.60.0, llm/_internal/serve/core/ingress/builder.py,
llm/_internal/serve/serving_patterns)."""

from typing import Any, Final

from llm_operator.plan.placement import TOKEN
from llm_operator.plan.plan import Builder, EnginePlan, IngressPlan, ServerPlan, ServingPlan
from llm_operator.plan.pods import Pairs
from llm_operator.render.autoscaling import autoscaling

_ALIAS_INGRESS: Final = "llm_serve_app.ingress:AliasIngress"
_ALIAS_SERVER: Final = "llm_serve_app.server:AliasServer"


def _deployment_config(engine: EnginePlan) -> dict[str, Any]:
    """Only what no override may say: it would take the place of Ray's own runtime_env, or of the router's class."""
    config: dict[str, Any] = {}
    if engine.router:
        config["request_router_config"] = dict(engine.router)
    if engine.placement.tpu_topology is not None:
        # The actor is not part of the slice that it reserves: on the model's own pods, and on no CPU that a slice needs.
        config["ray_actor_options"] = {"num_cpus": 0, "resources": {engine.placement.token: TOKEN}}
    return config


def _llm_config(engine: EnginePlan) -> dict[str, Any]:
    config: dict[str, Any] = {
        "model_loading_config": {"model_id": engine.model_id, "model_source": engine.model_source},
        "engine_kwargs": dict(engine.engine_kwargs),
        "placement_group_config": {
            "bundles": [dict(bundle) for bundle in engine.placement.bundles],
            "strategy": engine.placement.strategy,
        },
        "runtime_env": {"env_vars": dict(engine.env)},
    }
    if engine.placement.accelerator_type is not None:
        config["accelerator_type"] = engine.placement.accelerator_type
    if engine.lora:
        config["lora_config"] = dict(engine.lora)
    if engine.placement.tpu_topology is not None:
        config["accelerator_config"] = {"kind": "tpu", "topology": engine.placement.tpu_topology}
    if deployment := _deployment_config(engine):
        config["deployment_config"] = deployment
    if engine.experimental:
        config["experimental_configs"] = dict(engine.experimental)
    return config


def _engines(serving: ServingPlan) -> dict[str, Any]:
    configs = [_llm_config(server.engine) for server in serving.servers]
    for config, server in zip(configs, serving.servers, strict=True):
        if server.aliases:
            config["server_cls"] = _ALIAS_SERVER
    if serving.builder is Builder.PREFILL_DECODE:
        return {"prefill_config": configs[0], "decode_config": configs[1]}
    if serving.builder is Builder.DATA_PARALLEL:
        return {"llm_config": configs[0]}
    return {"llm_configs": configs}


def _args(serving: ServingPlan) -> dict[str, Any]:
    args = _engines(serving)
    if serving.ingress is not None:
        # No CPU of Ray's count, so that the ingress never takes the place of a replica.
        resources = {serving.ingress.resource: TOKEN}
        args["ingress_deployment_config"] = {"ray_actor_options": {"num_cpus": 0, "resources": resources}}
        if serving.ingress.aliases:
            args["ingress_cls_config"] = {"ingress_cls": _ALIAS_INGRESS}
    return args


def _aliases(aliases: Pairs) -> dict[str, Any]:
    """Serve calls reconfigure() with it, in place."""
    return {"user_config": {"aliases": dict(aliases)}} if aliases else {}


def _server_override(server: ServerPlan) -> dict[str, Any]:
    return {
        "name": server.deployment,
        **autoscaling(server.scale),
        "health_check_period_s": server.probe.period_s,
        "health_check_timeout_s": server.probe.timeout_s,
        "graceful_shutdown_timeout_s": server.probe.graceful_shutdown_s,
        # Stop before start: a surge needs accelerators that nobody asked for.
        "max_surge_percent": 0,
        **_aliases(server.aliases),
    }


def ingress_deployment(ingress: IngressPlan) -> str:
    """Name of the ingress deployment: that of its class."""
    return "AliasIngress" if ingress.aliases else "OpenAiIngress"


def _ingress_override(ingress: IngressPlan, graceful_shutdown_s: int) -> dict[str, Any]:
    return {
        "name": ingress_deployment(ingress),
        **autoscaling(ingress.scale),
        "graceful_shutdown_timeout_s": graceful_shutdown_s,
        **_aliases(ingress.aliases),
    }


def llm_application(serving: ServingPlan) -> dict[str, Any]:
    """The entry of `applications` for one model."""
    overrides = [_server_override(server) for server in serving.servers]
    if serving.ingress is not None:
        graceful = max(server.probe.graceful_shutdown_s for server in serving.servers)
        overrides.append(_ingress_override(serving.ingress, graceful))
    return {
        "name": serving.model_id,
        "route_prefix": serving.route,
        "import_path": serving.builder.value,
        "args": _args(serving),
        "deployments": overrides,
    }
