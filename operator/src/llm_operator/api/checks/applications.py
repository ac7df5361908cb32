"""Custom applications, as far as the spec alone says it. (Policy, serve_app's own applications, pods: plan/application_checks.py.)"""

from collections.abc import Iterator

from llm_operator.api.checks.accelerator import check_one
from llm_operator.api.checks.hardware import check_resources
from llm_operator.api.checks.names import duplicates
from llm_operator.api.checks.source import check_env
from llm_operator.api.errors import FieldError
from llm_operator.api.rules import application as rules
from llm_operator.api.rules import scaling as scaling_rules
from llm_operator.api.spec.application import Application, ApplicationDeployment, Workers
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.hardware import Parallelism

_WHOLE = "above 1, a replica takes whole GPUs only"


def _limits(path: str, deployment: ApplicationDeployment) -> Iterator[FieldError]:
    scaling, most = deployment.scaling, deployment.max_ongoing_requests
    if scaling is None:
        return
    if deployment.replicas is not None:
        yield FieldError(f"{path}.replicas", rules.REPLICAS_OR_SCALING.message)
    if deployment.max_queued_requests is not None and scaling.max_queued_requests is not None:
        yield FieldError(f"{path}.maxQueuedRequests", rules.QUEUED_ONCE.message)
    if most is not None and scaling.max_ongoing_requests is not None:
        yield FieldError(f"{path}.maxOngoingRequests", rules.ONGOING_ONCE.message)
    elif most is not None and scaling.target_ongoing_requests > most:
        yield FieldError(
            f"{path}.scaling.targetOngoingRequests",
            f"{scaling.target_ongoing_requests} {scaling_rules.TARGET_LE_MAX_ONGOING.message} ({most})",
        )


def _deployment(path: str, deployment: ApplicationDeployment) -> Iterator[FieldError]:
    yield from _limits(path, deployment)
    gpu = deployment.actor.gpu
    if gpu > 1 and gpu != int(gpu):
        yield FieldError(f"{path}.actor.gpu", f"{gpu:g} is no number of GPUs that Ray can give: {_WHOLE}")


def _workers(path: str, workers: Workers) -> Iterator[FieldError]:
    for i, accelerator in enumerate(workers.accelerators):
        here = f"{path}.accelerators[{i}]"
        if accelerator.share is not None:
            yield FieldError(f"{here}.share", rules.NO_MODEL_FIELDS.message)
        if accelerator.max_replicas is not None:
            yield FieldError(f"{here}.maxReplicas", rules.NO_MODEL_FIELDS.message)
        yield from check_one(here, accelerator, Parallelism())
    yield from check_resources(f"{path}.resources", workers.resources, workers.accelerators)


def _application(path: str, application: Application) -> Iterator[FieldError]:
    names = [(f"{path}.deployments[{k}].name", each.name) for k, each in enumerate(application.deployments)]
    yield from duplicates(names, "the deployment")
    for k, deployment in enumerate(application.deployments):
        yield from _deployment(f"{path}.deployments[{k}]", deployment)
    yield from _workers(f"{path}.workers", application.workers)
    yield from check_env(f"{path}.env", application.env)


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """Every application of the spec."""
    for i, application in enumerate(spec.applications):
        yield from _application(f"spec.applications[{i}]", application)
