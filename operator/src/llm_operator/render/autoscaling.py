"""A Scale → the keys of one `deployments[]` override (Ray 2.60.0, serve/config.py, AutoscalingConfig; serve/schema.py)."""

from typing import Any

from llm_operator.plan.plan import Scale

_OPTIONAL = (
    "initial_replicas",
    "upscale_delay_s",
    "downscale_delay_s",
    "downscale_to_zero_delay_s",
    "look_back_period_s",
    "metrics_interval_s",
    "upscaling_factor",
    "downscaling_factor",
)


def autoscaling(scale: Scale) -> dict[str, Any]:
    """A complete autoscaling_config (an override replaces the code's as a whole) and the limits of requests."""
    config: dict[str, Any] = {
        "min_replicas": scale.min_replicas,
        "max_replicas": scale.max_replicas,
        "target_ongoing_requests": scale.target_ongoing_requests,
    }
    for key in _OPTIONAL:
        if (value := getattr(scale, key)) is not None:
            config[key] = value
    keys: dict[str, Any] = {"max_ongoing_requests": scale.max_ongoing_requests, "autoscaling_config": config}
    if scale.max_queued_requests is not None:
        keys["max_queued_requests"] = scale.max_queued_requests
    return keys
