"""One `deployments[]` entry, or the same options elsewhere, with the classes that Serve itself builds from it later."""

from collections.abc import Iterator, Mapping
from typing import Any

from ray.serve._private.config import DeploymentConfig
from ray.serve.config import AutoscalingConfig, GangSchedulingConfig, RequestRouterConfig
from ray.serve.schema import DeploymentSchema

from llm_serve_app.check.tries import attempt, mapping
from llm_serve_app.problem import Problem, did_you_mean
from llm_serve_app.unknown_keys import unknown_keys

# Options of an override that Ray's DeploymentConfig does not hold; the schema has checked them.
NOT_IN_DEPLOYMENT_CONFIG = frozenset(
    {
        "name",
        "ray_actor_options",
        "placement_group_bundles",
        "placement_group_strategy",
        "placement_group_bundle_label_selector",
        "max_replicas_per_node",
    }
)
APART = frozenset({"autoscaling_config", "request_router_config", "gang_scheduling_config"})
KV_AWARE = "ray.serve.llm.request_router.KVAwareRouter"
PREFIX_AWARE = "ray.serve.llm.request_router.PrefixCacheAffinityRouter"
# Ray 2.60's routers and the keyword arguments that `initialize_state` of each takes (the first two need vLLM to import).
ROUTERS: Mapping[str, tuple[str, ...]] = {
    KV_AWARE: (),
    PREFIX_AWARE: (
        "imbalanced_threshold",
        "match_rate_threshold",
        "do_eviction",
        "eviction_threshold_chars",
        "eviction_target_chars",
        "eviction_interval_secs",
    ),
    "ray.serve.experimental.round_robin_router.RoundRobinRouter": (),
    "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter": (
        "num_virtual_nodes",
        "num_fallback_replicas",
    ),
    "ray.serve.experimental.capacity_queue_router.CapacityQueueRouter": (
        "capacity_queue_actor_name",
        "max_fault_retries",
    ),
    "ray.serve._private.request_router.PowerOfTwoChoicesRequestRouter": (),
}


def check_options(options: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Numbers and nested parts of deployment options; `options` may hold keys that are no options (the schema's matter)."""
    autoscaling = options.get("autoscaling_config")
    if isinstance(autoscaling, Mapping):
        yield from unknown_keys(dict(autoscaling), AutoscalingConfig, f"{path}.autoscaling_config")
        yield from attempt(f"{path}.autoscaling_config", lambda: AutoscalingConfig(**autoscaling))
    if isinstance(options.get("request_router_config"), Mapping):
        yield from _check_router(options["request_router_config"], f"{path}.request_router_config")
    if isinstance(options.get("gang_scheduling_config"), Mapping):
        yield from _check_gang(options, f"{path}.gang_scheduling_config")
    left = {
        key: value
        for key, value in options.items()
        if key in DeploymentSchema.model_fields and key not in NOT_IN_DEPLOYMENT_CONFIG | APART
    }
    if left.get("num_replicas") == "auto":
        del left["num_replicas"]
    yield from attempt(path, lambda: DeploymentConfig(**left))


def _check_router(config: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Ray imports the class when it reads the configuration; those that need vLLM are known by name here."""
    yield from unknown_keys(dict(config), RequestRouterConfig, path)
    yield from attempt(path, lambda: router_config(config))
    cls = dotted(config.get("request_router_class"))
    if not cls.startswith("ray."):
        return  # the user's own class, or Serve's default
    if cls not in ROUTERS:
        at = f"{path}.request_router_class"
        yield Problem(at, f"Ray 2.60.0 has no request router {cls!r}{did_you_mean(cls, ROUTERS)}")
        return
    for key in mapping(config.get("request_router_kwargs")):
        if key not in ROUTERS[cls]:
            takes = f"it takes {', '.join(ROUTERS[cls])}" if ROUTERS[cls] else "it takes none"
            hint = did_you_mean(str(key), ROUTERS[cls])
            yield Problem(
                f"{path}.request_router_kwargs.{key}", f"unknown keyword of {cls.rpartition('.')[2]}{hint}; {takes}"
            )


def router_config(config: Mapping[str, Any]) -> RequestRouterConfig:
    """Ray's object without the import of the class, which a serialized class makes unnecessary (serve/config.py)."""
    return RequestRouterConfig(**{**config, "_serialized_request_router_cls": b"not imported"})


def router_class(options: Mapping[str, Any]) -> str:
    """The request router that deployment options name, or ""."""
    return dotted(mapping(options.get("request_router_config")).get("request_router_class"))


def dotted(import_path: Any) -> str:
    """`module:name` and `module.name` are the same to Ray; "" for what is no text."""
    return import_path.replace(":", ".") if isinstance(import_path, str) else ""


def _check_gang(options: Mapping[str, Any], path: str) -> Iterator[Problem]:
    config: Mapping[str, Any] = options["gang_scheduling_config"]
    yield from unknown_keys(dict(config), GangSchedulingConfig, path)
    refused = attempt(path, lambda: GangSchedulingConfig(**config))
    yield from refused
    if not refused:
        yield from check_multiples(options, int(config["gang_size"]), path.rpartition(".")[0], "gang_size")


def check_multiples(options: Mapping[str, Any], gang_size: int, path: str, why: str) -> Iterator[Problem]:
    """Replicas that come in gangs: every number of them is a multiple of the gang's size (0 as well)."""
    autoscaling = mapping(options.get("autoscaling_config"))
    counts = [(f"{path}.num_replicas", options.get("num_replicas"))]
    counts += [
        (f"{path}.autoscaling_config.{key}", autoscaling.get(key))
        for key in ("min_replicas", "max_replicas", "initial_replicas")
    ]
    for at, count in counts:
        if isinstance(count, int) and count % gang_size:
            below, above = count - count % gang_size, count - count % gang_size + gang_size
            yield Problem(
                at, f"{count} replicas are no whole gangs of {gang_size} ({why}); use {below or above} or {above}"
            )
