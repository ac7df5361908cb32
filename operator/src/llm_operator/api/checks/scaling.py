"""Numbers of replicas, and when they hold. (Time zones and windows: plan/schedules.py, which has the calendar.)"""

from collections.abc import Iterator
from typing import Final

from llm_operator.api.checks.names import duplicates
from llm_operator.api.errors import FieldError
from llm_operator.api.rules import scaling as rules
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.scaling import Ingress, Scaling

_LOOK_BACK: Final = 30
_INTERVAL: Final = 10
"""Seconds; Ray's defaults (2.60, serve/config.py, AutoscalingConfig)."""


def scalings(spec: LLMDeploymentSpec) -> Iterator[tuple[str, Scaling]]:
    """Every scaling of the spec with its path."""
    for i, model in enumerate(spec.models):
        yield f"spec.models[{i}].scaling", model.scaling
        halves = model.disaggregation
        for name, role in (("prefill", halves.prefill), ("decode", halves.decode)) if halves is not None else ():
            if role.scaling is not None:
                yield f"spec.models[{i}].disaggregation.{name}.scaling", role.scaling
    for i, application in enumerate(spec.applications):
        for k, deployment in enumerate(application.deployments):
            if deployment.scaling is not None:
                yield f"spec.applications[{i}].deployments[{k}].scaling", deployment.scaling


def _requests(path: str, scaling: Scaling) -> Iterator[FieldError]:
    most = scaling.max_ongoing_requests
    if most is not None and scaling.target_ongoing_requests > most:
        yield FieldError(
            f"{path}.targetOngoingRequests",
            f"{scaling.target_ongoing_requests} {rules.TARGET_LE_MAX_ONGOING.message} ({most})",
        )


def _window(path: str, scaling: Scaling) -> Iterator[FieldError]:
    window, interval = scaling.look_back_seconds or _LOOK_BACK, scaling.metrics_interval_seconds or _INTERVAL
    if window <= interval:
        yield FieldError(f"{path}.lookBackSeconds", f"{window} {rules.LOOK_BACK_GT_INTERVAL.message} ({interval})")


def _replicas(path: str, scaling: Scaling) -> Iterator[FieldError]:
    most = scaling.max_replicas or max(1, scaling.min_replicas)
    if scaling.min_replicas > most:
        yield FieldError(f"{path}.minReplicas", f"{scaling.min_replicas} {rules.MIN_LE_MAX.message} ({most})")
    elif scaling.initial_replicas is not None and not scaling.min_replicas <= scaling.initial_replicas <= most:
        yield FieldError(
            f"{path}.initialReplicas",
            f"{scaling.initial_replicas} {rules.INITIAL_WITHIN.message} ({scaling.min_replicas} and {most})",
        )
    zero = scaling.min_replicas == 0 or any(schedule.min_replicas == 0 for schedule in scaling.schedules)
    if scaling.scale_to_zero is not None and not zero:
        yield FieldError(f"{path}.scaleToZero", rules.ZERO_NEEDS_MIN_ZERO.message)


def _schedules(path: str, scaling: Scaling) -> Iterator[FieldError]:
    named = [(f"{path}.schedules[{i}].name", schedule.name) for i, schedule in enumerate(scaling.schedules)]
    yield from duplicates(named, "the name")
    for i, schedule in enumerate(scaling.schedules):
        if schedule.min_replicas is None and schedule.max_replicas is None:
            yield FieldError(f"{path}.schedules[{i}]", rules.SCHEDULE_SETS.message)
        if len(set(schedule.days)) != len(schedule.days):
            yield FieldError(f"{path}.schedules[{i}].days", "a day is named twice")


def check_one(path: str, scaling: Scaling) -> Iterator[FieldError]:
    """`path`: of the scaling itself."""
    yield from _replicas(path, scaling)
    yield from _requests(path, scaling)
    yield from _window(path, scaling)
    yield from _schedules(path, scaling)


def _ingress(path: str, ingress: Ingress | None) -> Iterator[FieldError]:
    if ingress is not None and ingress.max_replicas is not None and ingress.min_replicas > ingress.max_replicas:
        message = f"{ingress.min_replicas} {rules.INGRESS_BOUNDS.message} ({ingress.max_replicas})"
        yield FieldError(f"{path}.minReplicas", message)


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """Every scaling of the spec, wherever it stands."""
    for path, scaling in scalings(spec):
        yield from check_one(path, scaling)
    for i, model in enumerate(spec.models):
        yield from _ingress(f"spec.models[{i}].ingress", model.ingress)
