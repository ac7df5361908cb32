"""The user's scaling → Serve's autoscaling numbers, at this moment of the schedules."""

from llm_operator.api.spec.scaling import Health, Ingress, Scaling
from llm_operator.plan.plan import Probe, Scale

INGRESS_MAX_ONGOING = 1_000_000
"""The engine behind it has the limit that counts."""


def most(scaling: Scaling) -> int:
    """The most replicas: as said, else a fixed size of at least one."""
    return scaling.max_replicas or max(1, scaling.min_replicas)


def scale(scaling: Scaling, ranks: int = 1) -> Scale:
    """`ranks`: Serve replicas of one of the user's (data parallel size)."""
    return Scale(
        min_replicas=scaling.min_replicas * ranks,
        max_replicas=most(scaling) * ranks,
        initial_replicas=None if scaling.initial_replicas is None else scaling.initial_replicas * ranks,
        # Ray's default of 1e9 never scales.
        target_ongoing_requests=scaling.target_ongoing_requests,
        max_ongoing_requests=scaling.max_ongoing_requests or 2 * scaling.target_ongoing_requests,
        upscale_delay_s=scaling.scale_up_delay_seconds,
        downscale_delay_s=scaling.scale_down_delay_seconds,
        downscale_to_zero_delay_s=scaling.scale_to_zero.idle_seconds if scaling.scale_to_zero else None,
        look_back_period_s=scaling.look_back_seconds,
        metrics_interval_s=scaling.metrics_interval_seconds,
        upscaling_factor=scaling.upscaling_factor,
        downscaling_factor=scaling.downscaling_factor,
        max_queued_requests=scaling.max_queued_requests,
    )


def ingress_scale(ingress: Ingress | None) -> Scale:
    """One replica unless the user says otherwise."""
    if ingress is None:
        return Scale(1, 1, INGRESS_MAX_ONGOING, INGRESS_MAX_ONGOING)
    return Scale(
        min_replicas=ingress.min_replicas,
        max_replicas=ingress.max_replicas or ingress.min_replicas,
        target_ongoing_requests=ingress.target_ongoing_requests,
        max_ongoing_requests=INGRESS_MAX_ONGOING,
    )


def probe(health: Health) -> Probe:
    """Health checks of the engine."""
    return Probe(health.period_seconds, health.timeout_seconds, health.graceful_shutdown_seconds)
