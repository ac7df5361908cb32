"""What strategy Incremental needs (KubeRay 1.6.2, controllers/ray/utils/validation.go, ValidateClusterUpgradeOptions)."""

from collections.abc import Iterator

from llm_operator.api.errors import FieldError
from llm_operator.api.rules import rollout as rules
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.rollout import Incremental


def steps(numbers: Incremental) -> int:
    """The most steps that requests take to the new Ray cluster: those of one surge, times the surges."""
    surge, step = numbers.max_surge_percent, numbers.step_size_percent
    return -(-100 // surge) * -(-surge // step)


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """The whole spec."""
    rollout, numbers = spec.rollout, spec.rollout.incremental
    if (rollout.strategy == "Incremental") != (numbers is not None):
        yield FieldError("spec.rollout.incremental", rules.INCREMENTAL.message)
    if rollout.strategy == "Incremental" and spec.scheduling.queue_name is not None:
        yield FieldError("spec.rollout.strategy", rules.INCREMENTAL_AUTOSCALED.message)
    if numbers is None:
        return
    step, surge = numbers.step_size_percent, numbers.max_surge_percent
    if step > surge:
        said = f"{step} must not exceed maxSurgePercent ({surge}): no more requests move than there are replicas for"
        yield FieldError("spec.rollout.incremental.stepSizePercent", said)
    taken = steps(numbers) * numbers.interval_seconds
    if taken >= rollout.progress_deadline_seconds:
        yield FieldError(
            "spec.rollout.progressDeadlineSeconds",
            f"{rollout.progress_deadline_seconds} is too short: incremental takes up to {steps(numbers)} steps of "
            f"{numbers.interval_seconds} s, {taken} s in all, beside the time to start",
        )
