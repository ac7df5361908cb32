"""Replicas and when: scaling in words."""

from llm_operator.api.spec.scaling import Scaling, Schedule
from llm_operator.render.explain.layout import span

_WEEK = 7


def _most(scaling: Scaling) -> int:
    return scaling.max_replicas or max(1, scaling.min_replicas)


def _window(scaling: Scaling, window: Schedule) -> str:
    fewest = scaling.min_replicas if window.min_replicas is None else window.min_replicas
    most = window.max_replicas or max(_most(scaling) if scaling.max_replicas else 1, fewest)
    days = "every day" if len(window.days) == _WEEK else ", ".join(window.days)
    return (
        f'{span((fewest, most))} in window "{window.name}": {days}, {window.start} to {window.end} ({window.time_zone})'
    )


def replica_lines(scaling: Scaling) -> list[str]:
    """Numbers, windows, and what makes replicas come and go."""
    bounds = (scaling.min_replicas, _most(scaling))
    said = [span(bounds) + (" outside of windows" if scaling.schedules else "")]
    said += [_window(scaling, window) for window in scaling.schedules]
    limit = scaling.max_ongoing_requests or 2 * scaling.target_ongoing_requests
    if bounds[0] != bounds[1]:
        said.append(
            f"one more when there are over {scaling.target_ongoing_requests} requests in flight per replica for "
            f"{scaling.scale_up_delay_seconds} s; one less after {scaling.scale_down_delay_seconds} s of less load"
        )
    said.append(f"a replica takes up to {limit} requests at once")
    if scaling.min_replicas == 0:
        idle = scaling.scale_to_zero.idle_seconds if scaling.scale_to_zero else scaling.scale_down_delay_seconds
        said.append(f"none after {idle} s without a request; a request that comes then waits until one is up")
    return said
