"""Plan → serveConfigV2: one Serve application per model, from a dict, serialised once.

What restarts what (Ray 2.60.0, serve/_private/deploy_utils.py): a change inside `args` restarts all replicas of that
application; numbers in `deployments[]` are applied in place. So scaling, health and graceful shutdown live in
`deployments[]`, always complete (an override replaces the code's value as a whole), and `args` holds the engine only.
"""

import json
from typing import Any, Final

from llm_operator.api.names import SERVE_PORT
from llm_operator.plan.plan import ModelPlan, Plan, ServingPlan

_BUILDER: Final = "ray.serve.llm:build_openai_app"
_ALIAS_INGRESS: Final = "llm_serve_app.ingress:AliasIngress"
_INGRESS_MAX_ONGOING: Final = 1_000_000
_TOKEN: Final = 0.001


def engine_deployment(model_id: str) -> str:
    """Name of the engine's deployment (Ray 2.60.0, llm/_internal/serve/core/server/builder.py)."""
    return "LLMServer:" + model_id.replace("/", "--").replace(".", "_")


def ingress_deployment(serving: ServingPlan) -> str:
    """Name of the ingress deployment: that of its class."""
    return "AliasIngress" if serving.aliases else "OpenAiIngress"


def _llm_config(serving: ServingPlan) -> dict[str, Any]:
    config: dict[str, Any] = {
        "model_loading_config": {"model_id": serving.model_id, "model_source": serving.source},
        "engine_kwargs": dict(serving.engine_kwargs),
        # STRICT_PACK: the default PACK would spread tensor parallel workers over nodes without a word.
        "placement_group_config": {
            "bundles": [dict(bundle) for bundle in serving.bundles],
            "strategy": "STRICT_PACK",
        },
        "runtime_env": {"env_vars": {"RAYLLM_ENGINE_START_TIMEOUT_S": str(serving.startup_seconds)}},
    }
    if serving.accelerator_type is not None:
        config["accelerator_type"] = serving.accelerator_type
    return config


def _args(serving: ServingPlan) -> dict[str, Any]:
    args: dict[str, Any] = {
        "llm_configs": [_llm_config(serving)],
        # No CPU of Ray's count, so that the ingress never takes the place of a replica; on the model's own pods.
        "ingress_deployment_config": {
            "ray_actor_options": {"num_cpus": 0, "resources": {serving.group_resource: _TOKEN}}
        },
    }
    if serving.aliases:
        args["ingress_cls_config"] = {"ingress_cls": _ALIAS_INGRESS}
    return args


def _engine_override(serving: ServingPlan) -> dict[str, Any]:
    return {
        "name": engine_deployment(serving.model_id),
        "max_ongoing_requests": serving.max_ongoing_requests,
        "autoscaling_config": {
            "min_replicas": serving.min_replicas,
            "max_replicas": serving.max_replicas,
            # Ray's default of 1e9 never scales.
            "target_ongoing_requests": serving.target_ongoing_requests,
            "upscale_delay_s": serving.scale_up_delay_seconds,
            "downscale_delay_s": serving.scale_down_delay_seconds,
        },
        "health_check_period_s": serving.health_period_seconds,
        "health_check_timeout_s": serving.health_timeout_seconds,
        "graceful_shutdown_timeout_s": serving.graceful_shutdown_seconds,
        # Stop before start: a surge needs accelerators that nobody asked for.
        "max_surge_percent": 0,
    }


def _ingress_override(serving: ServingPlan) -> dict[str, Any]:
    override: dict[str, Any] = {
        "name": ingress_deployment(serving),
        "max_ongoing_requests": _INGRESS_MAX_ONGOING,
        "autoscaling_config": {
            "min_replicas": 1,
            "max_replicas": 1,
            "target_ongoing_requests": _INGRESS_MAX_ONGOING,
        },
        "graceful_shutdown_timeout_s": serving.graceful_shutdown_seconds,
    }
    if serving.aliases:
        # Serve calls reconfigure() with it, in place.
        override["user_config"] = {"aliases": dict.fromkeys(serving.aliases, serving.model_id)}
    return override


def _application(model: ModelPlan) -> dict[str, Any]:
    serving = model.serving
    return {
        "name": serving.model_id,
        "route_prefix": serving.route,
        "import_path": _BUILDER,
        "args": _args(serving),
        "deployments": [_engine_override(serving), _ingress_override(serving)],
    }


def serve_config(plan: Plan) -> dict[str, Any]:
    """The Serve configuration; applications in the order of their names, so that reordering `models` changes nothing."""
    return {
        "proxy_location": "EveryNode",
        "http_options": {"host": "0.0.0.0", "port": SERVE_PORT},  # noqa: S104 - inside the pod; reached through a Service
        "applications": [
            _application(model) for model in sorted(plan.models, key=lambda model: model.serving.model_id)
        ],
    }


def serialize(config: dict[str, Any]) -> str:
    """JSON is YAML without its traps: no implicit types, no anchors, no duplicate keys. KubeRay compares it byte by byte."""
    return json.dumps(config, indent=1, sort_keys=True) + "\n"
