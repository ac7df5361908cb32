"""One custom application → its deployments and its worker group. Tests: tests/unit/plan/test_applications.py, tests/golden.

Ray's logical resources:
  * a pod offers `group:<name>` = 1, memory = the pod's (KubeRay 1.6.2 hands the limit to `ray start`), GPU = accelerators per
    pod, and CPU = the whole CPUs of workers.resources.cpu, at least 1 and at least what the largest actor needs: `ray start`
    takes whole numbers only, and an actor of 1 must fit a pod that asks Kubernetes for 300m;
  * a replica takes what its `actor` says and 0.001 of `group:<name>`, so that it lands on the application's own pods.
The pods that this takes: plan/packing.py.
"""

import math
from dataclasses import dataclass

from llm_operator.api import quantity
from llm_operator.api.errors import FieldError, InvalidSpec
from llm_operator.api.spec.application import Application, ApplicationDeployment
from llm_operator.api.spec.hardware import Accelerator, ModelResources
from llm_operator.plan import application_data, catalog
from llm_operator.plan.groups import pod_resources
from llm_operator.plan.packing import UNIT, Need, Room, fewest_pods, fits, most_pods, units
from llm_operator.plan.placement import device_key, group_name, group_resource
from llm_operator.plan.plan import ApplicationPlan, DeploymentPlan, Probe, Scale
from llm_operator.plan.pods import GroupPlan, PodResources
from llm_operator.plan.routes import application_route
from llm_operator.plan.scaling import most, scale


@dataclass(frozen=True, slots=True)
class _Pods:
    """One worker pod, for Kubernetes and for Ray."""

    accelerator: Accelerator | None
    """None: no GPU, and nothing about nodes is said either."""
    resources: PodResources
    room: Room

    @property
    def gpus(self) -> int:
        return self.room.gpus


def _needs(deployment: ApplicationDeployment) -> Need:
    memory = deployment.actor.memory
    return Need(
        gpu=units(deployment.actor.gpu),
        cpu=units(deployment.actor.cpu),
        memory=0 if memory is None else math.ceil(quantity.parse(memory)),
    )


def _with_cpu(resources: ModelResources, accelerator: Accelerator | None, largest: int) -> ModelResources:
    """Where the user does not say: the default, or the largest actor's if that is more."""
    if resources.cpu is not None:
        return resources
    gpus = 0 if accelerator is None or accelerator.type == "CPU" else accelerator.count
    default = catalog.CPU_PER_ACCELERATOR * gpus or int(catalog.CPU_ONLY_CPU)
    return resources.model_copy(update={"cpu": str(max(default, largest))})


def _pods(path: str, application: Application) -> _Pods:
    """Raises InvalidSpec for shared memory that does not fit."""
    workers = application.workers
    accelerator = next(iter(workers.accelerators), None)
    largest = math.ceil(max(_needs(deployment).cpu for deployment in application.deployments) / UNIT)
    wanted = _with_cpu(workers.resources, accelerator, largest)
    resources = pod_resources(f"{path}.workers.resources", wanted, accelerator)
    cpus = max(1, math.floor(quantity.parse(resources.cpu)), largest)
    gpus = 0 if accelerator is None or accelerator.type == "CPU" else accelerator.count
    room = Room(cpu=cpus * UNIT, gpus=gpus, memory=int(quantity.parse(resources.memory)))
    return _Pods(accelerator, resources, room)


def _misfit(deployment: ApplicationDeployment, pods: _Pods) -> tuple[str, str] | None:
    """(field of the actor, message) when one replica fits no pod."""
    actor, need = deployment.actor, _needs(deployment)
    asked = max(1.0, quantity.parse(pods.resources.cpu))
    if actor.cpu > asked:
        return "cpu", (
            f"a replica of {actor.cpu:g} CPUs fits no pod of {asked:g}: raise workers.resources.cpu to "
            f"{math.ceil(actor.cpu)} or lower it"
        )
    if need.gpu and not pods.gpus:
        return "gpu", f"a replica of {actor.gpu:g} GPUs fits no pod without any: set workers.accelerators"
    if not fits(Need(need.gpu, 0, 0), pods.room):
        return "gpu", (
            f"a replica of {actor.gpu:g} GPUs fits no pod of {pods.gpus}: raise workers.accelerators[0].count to "
            f"{math.ceil(actor.gpu)} or lower it"
        )
    if need.memory > pods.room.memory:
        return "memory", (
            f"a replica of {actor.memory} fits no pod of {pods.resources.memory}: raise workers.resources.memory or lower it"
        )
    return None


def _errors(path: str, application: Application, pods: _Pods) -> tuple[FieldError, ...]:
    errors = []
    for k, deployment in enumerate(application.deployments):
        if (found := _misfit(deployment, pods)) is not None:
            errors.append(FieldError(f"{path}.deployments[{k}].actor.{found[0]}", found[1]))
    here = f"{path}.workers.accelerators[0]"
    if pods.accelerator is not None and pods.gpus and device_key(pods.accelerator) != "GPU":
        kind = pods.accelerator.type.value
        errors.append(
            FieldError(f"{here}.type", f"{kind} is no GPU for Ray, and actors ask for GPUs only: use a model")
        )
    elif pods.gpus and not any(deployment.actor.gpu for deployment in application.deployments):
        errors.append(
            FieldError(here, f"no replica would use the {pods.gpus} GPUs of each pod: set deployments[].actor.gpu")
        )
    return tuple(errors)


def _bounds(deployment: ApplicationDeployment) -> tuple[int, int]:
    if deployment.scaling is None:
        fixed = deployment.replicas or 1
        return fixed, fixed
    return deployment.scaling.min_replicas, most(deployment.scaling)


def _scale(deployment: ApplicationDeployment) -> Scale:
    """A fixed number is a range of one: Serve's code version counts the deployments that have an autoscaling_config (Ray
    2.60.0, serve/_private/deploy_utils.py, get_app_code_version), so one that comes or goes would restart all replicas."""
    if deployment.scaling is not None:
        return scale(deployment.scaling)
    fixed, _ = _bounds(deployment)
    return Scale(fixed, fixed, target_ongoing_requests=1, max_ongoing_requests=1)


def _user_config(application: Application, deployment: ApplicationDeployment) -> tuple[tuple[str, object], ...] | None:
    """Of serve_app's own deployments always, where they take one: a change from something to nothing is not told to running
    replicas (Ray 2.60.0, serve/_private/replica.py, call_reconfigure), one to {} is."""
    if deployment.user_config is not None:
        return tuple(sorted(deployment.user_config.items()))
    own = application_data.of(application.import_path)
    return () if own is not None and deployment.name in own.user_configs else None


def _deployment(application: Application, deployment: ApplicationDeployment) -> DeploymentPlan:
    scaling, health, need = deployment.scaling, deployment.health, _needs(deployment)
    scaled = _scale(deployment)
    queued = scaled.max_queued_requests if deployment.max_queued_requests is None else deployment.max_queued_requests
    return DeploymentPlan(
        name=deployment.name,
        scale=scaled,
        cpu=deployment.actor.cpu,
        gpu=deployment.actor.gpu,
        memory=need.memory or None,
        probe=Probe(health.period_seconds, health.timeout_seconds, health.graceful_shutdown_seconds),
        max_ongoing_requests=deployment.max_ongoing_requests
        or (None if scaling is None else scaled.max_ongoing_requests),
        max_queued_requests=queued,
        user_config=_user_config(application, deployment),
    )


def _group(application: Application, pods: _Pods, image: str) -> GroupPlan:
    name, accelerator = group_name(application.name), pods.accelerator
    offered = {"CPU": str(pods.room.cpu // UNIT), group_resource(name): "1"}
    tolerations = accelerator.tolerations if accelerator is not None else ()
    if accelerator is not None and pods.gpus:
        offered |= {device_key(accelerator): str(pods.gpus), f"accelerator_type:{accelerator.type.value}": "1"}
        tolerations = (catalog.device_toleration(pods.resources.devices[0][0]), *tolerations)
    replicas = [(_needs(deployment), _bounds(deployment)) for deployment in application.deployments]
    return GroupPlan(
        name=name,
        owner=name,
        image=application.image or image,
        resources=pods.resources,
        ray_resources=tuple(sorted(offered.items())),
        min_pods=fewest_pods([need for need, bounds in replicas for _ in range(bounds[0])], pods.room),
        max_pods=most_pods([need for need, bounds in replicas for _ in range(bounds[1])], pods.room),
        node_selector=tuple(sorted(accelerator.node_selector.items())) if accelerator is not None else (),
        tolerations=tolerations,
        runtime_class_name=accelerator.runtime_class_name if accelerator is not None else None,
        env=application.env,
    )


def application_plan(path: str, application: Application, *, image: str, sleeps: bool) -> ApplicationPlan:
    """`path`: of the application; `sleeps`: every deployment may be at zero replicas at some time. Raises InvalidSpec."""
    pods = _pods(path, application)
    if errors := _errors(path, application, pods):
        raise InvalidSpec(errors)
    group = _group(application, pods, image)
    kind = pods.accelerator.type.value if pods.accelerator is not None and pods.gpus else ""
    return ApplicationPlan(
        name=application.name,
        route=application_route(application),
        import_path=application.import_path,
        args=tuple(sorted(application.args.items())),
        group_resource=group_resource(group.name),
        deployments=tuple(_deployment(application, deployment) for deployment in application.deployments),
        group=group,
        held=((kind, group.min_pods * pods.gpus),) if kind else (),
        sleeps=sleeps,
    )
