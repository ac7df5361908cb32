"""What a spec allows, and its user should know beforehand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan.plan import Plan

NO_HEAD_FAULT_TOLERANCE: Final = "NoHeadFaultTolerance"
GRACE_CUT_SHORT: Final = "GraceCutShort"
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning, and the reason of the event that tells it once."""

    reason: str
    message: str


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" and more" if len(names) > _NAMED else "")


def _replicated(plan: Plan) -> Iterator[str]:
    """Models and applications that are meant to survive the loss of a replica."""
    yield from (model.serving.model_id for model in plan.models if model.min_replicas >= 2)
    for application in plan.applications:
        if any(deployment.scale.min_replicas >= 2 for deployment in application.deployments):
            yield application.name


def _head(plan: Plan) -> Iterator[Warned]:
    """Replicas do not help when the head is lost: without fault tolerance Ray's new head knows none of them (Ray 2.60, GCS in
    memory), so all of them are started again, and for minutes nobody answers."""
    names = list(_replicated(plan)) if plan.redis is None else []
    if names:
        yield Warned(
            NO_HEAD_FAULT_TOLERANCE,
            f"several replicas of {_some(names)}, but no fault tolerance of the head: when its pod is lost, all replicas start anew and "
            "nobody answers meanwhile; set ray.head.faultTolerance.redis",
        )


def _asked(spec: LLMDeploymentSpec) -> Iterator[tuple[str, int]]:
    """Who asks for more than a pod's deletion leaves. The default is nothing that somebody asked for."""
    for model in spec.models:
        if "graceful_shutdown_seconds" in model.health.model_fields_set:
            yield model.name, model.health.graceful_shutdown_seconds
    for application in spec.applications:
        yield application.name, max(each.health.graceful_shutdown_seconds for each in application.deployments)


def _grace(spec: LLMDeploymentSpec, drain_seconds: int) -> Iterator[Warned]:
    names = [f"{name} ({seconds} s)" for name, seconds in _asked(spec) if seconds > drain_seconds]
    if names:
        yield Warned(
            GRACE_CUT_SHORT,
            f"health.gracefulShutdownSeconds of {_some(names)} holds for edits, scaling and new Ray clusters; where a pod is deleted or its "
            f"node drained, Ray ends what runs in it after {drain_seconds} s: only a new Ray cluster changes that "
            "(spec.rollout.restartedAt makes one)",
        )


def warnings(plan: Plan, spec: LLMDeploymentSpec, drain_seconds: int) -> tuple[Warned, ...]:
    """Of the spec that is in force, its plan, and what a worker's pod has to end its requests (render/drain.py); empty when there is
    nothing to warn of."""
    return (*_head(plan), *_grace(spec, drain_seconds))


def text(warned: tuple[Warned, ...]) -> str:
    """All of them, for a condition."""
    return "; ".join(each.message for each in warned)
