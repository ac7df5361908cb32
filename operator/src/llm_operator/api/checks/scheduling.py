"""Queues and gang schedulers."""

from collections.abc import Iterator
from typing import Final

from llm_operator.api.checks.scaling import scalings
from llm_operator.api.errors import FieldError
from llm_operator.api.parts import parts
from llm_operator.api.rules import hardware as rules
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.scaling import Scaling

# A Kueue workload has at most 8 pod sets, one of them the head (Kueue, pkg/controller/jobs/rayservice/rayservice_webhook.go).
_MOST_GROUPS: Final = 7
_LABEL_VALUE: Final = 63


def _fixed(path: str, scaling: Scaling) -> Iterator[FieldError]:
    most = scaling.max_replicas or max(1, scaling.min_replicas)
    if scaling.min_replicas != most:
        yield FieldError(
            path,
            f"with scheduling.queueName the number of pods is fixed (Kueue refuses autoscaling): minReplicas "
            f"({scaling.min_replicas}) must equal maxReplicas ({most})",
        )
    if scaling.schedules:
        yield FieldError(f"{path}.schedules", "with scheduling.queueName the number of pods is fixed: remove it")


def _queue(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    for path, scaling in scalings(spec):
        yield from _fixed(path, scaling)
    groups = sum(len(part.accelerators) for model in spec.models for part in parts("", model)) + len(spec.applications)
    if groups > _MOST_GROUPS:
        yield FieldError(
            "spec.scheduling.queueName",
            f"Kueue takes at most {_MOST_GROUPS} worker groups, this needs {groups}: split it into several LLMDeployments",
        )


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """The whole spec: a queue holds all of its pods."""
    scheduling = spec.scheduling
    if scheduling.gang_queue is not None and scheduling.gang is None:
        yield FieldError("spec.scheduling.gangQueue", rules.GANG_QUEUE.message)
    if scheduling.gang == "KAI" and scheduling.gang_queue is None:
        yield FieldError("spec.scheduling.gangQueue", rules.KAI_QUEUE.message)
    if scheduling.gang == "Volcano" and len(scheduling.priority_class_name or "") > _LABEL_VALUE:
        yield FieldError(
            "spec.scheduling.priorityClassName",
            f"with gang Volcano it is the value of a label, too: at most {_LABEL_VALUE} characters",
        )
    if scheduling.queue_name is not None:
        yield from _queue(spec)
