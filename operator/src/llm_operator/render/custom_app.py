"""A custom Serve application.

What restarts what (Ray 2.60.0, serve/_private/deploy_utils.py and version.py): `args`, `import_path` and the number of
deployments with an autoscaling_config restart all replicas; a deployment's `ray_actor_options` its own replicas; all other
keys are applied in place. So autoscaling_config is always there. An override replaces the code's value as a whole:
ray_actor_options without num_cpus would mean 1 CPU.
"""

from typing import Any

from llm_operator.plan.placement import TOKEN
from llm_operator.plan.plan import ApplicationPlan, DeploymentPlan
from llm_operator.render.autoscaling import autoscaling


def _override(deployment: DeploymentPlan, group_resource: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "num_cpus": deployment.cpu,
        "num_gpus": deployment.gpu,
        "resources": {group_resource: TOKEN},
    }
    if deployment.memory is not None:
        options["memory"] = deployment.memory
    override: dict[str, Any] = {
        "name": deployment.name,
        "ray_actor_options": options,
        "autoscaling_config": autoscaling(deployment.scale)["autoscaling_config"],
        "health_check_period_s": deployment.probe.period_s,
        "health_check_timeout_s": deployment.probe.timeout_s,
        "graceful_shutdown_timeout_s": deployment.probe.graceful_shutdown_s,
    }
    if deployment.max_ongoing_requests is not None:
        override["max_ongoing_requests"] = deployment.max_ongoing_requests
    if deployment.max_queued_requests is not None:
        override["max_queued_requests"] = deployment.max_queued_requests
    if deployment.user_config is not None:
        override["user_config"] = dict(deployment.user_config)
    return override


def custom_application(application: ApplicationPlan) -> dict[str, Any]:
    """The entry of `applications` for one custom application."""
    return {
        "name": application.name,
        "route_prefix": application.route,
        "import_path": application.import_path,
        "args": dict(application.args),
        "deployments": [_override(deployment, application.group_resource) for deployment in application.deployments],
    }
