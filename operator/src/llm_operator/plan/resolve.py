"""Typed spec → Plan. Every default that needs arithmetic is made here. Pure. Tests: tests/unit/plan, tests/golden.

Ray's logical resources, which placement and the node autoscaler count with:
  * a worker pod of model M offers `group:M` = 1, CPU = (1 + bundle CPU) x replicas per pod, GPU = accelerators per pod;
  * a replica takes one bundle per accelerator, and its actor 1 CPU more in the first bundle (Ray 2.60.0,
    llm/_internal/serve/core/server/llm_server.py, get_deployment_options);
  * every bundle asks for 0.001 of `group:M`, so that a model's replicas land on its own pods only.
"""

import math
from collections.abc import Mapping

from llm_operator.api import quantity
from llm_operator.api.names import SERVE_PORT
from llm_operator.api.types import LLMDeploymentSpec, Model
from llm_operator.api.validation import FieldError, InvalidSpec
from llm_operator.plan import catalog
from llm_operator.plan.engine_args import check_args, engine_kwargs
from llm_operator.plan.plan import GroupPlan, ModelPlan, Plan, PodResources, ServingPlan

_TOKEN = 0.001
_REPLICA_ACTOR_CPUS = 1
_CPU_BUNDLE = 1


def group_name(model_name: str) -> str:
    """Worker group of a model: dots are not allowed in pod names' labels as KubeRay builds them."""
    return model_name.replace(".", "-")


def _pod_resources(path: str, model: Model) -> PodResources:
    accelerator, resources = model.accelerators[0], model.resources
    cpu_only = accelerator.type == "CPU"
    default_cpu = catalog.CPU_ONLY_CPU if cpu_only else str(catalog.CPU_PER_ACCELERATOR * accelerator.count)
    default_memory = (
        catalog.CPU_ONLY_MEMORY if cpu_only else quantity.mebibytes(catalog.MEMORY_PER_ACCELERATOR * accelerator.count)
    )
    memory = resources.memory or default_memory
    shared = resources.shared_memory or quantity.mebibytes(quantity.parse(memory) / 2)
    if quantity.parse(shared) >= quantity.parse(memory):
        raise InvalidSpec(
            (
                FieldError(
                    f"{path}.resources.sharedMemory",
                    f"{shared} must be less than memory ({memory}): it counts against it",
                ),
            )
        )
    device = None if cpu_only else (accelerator.resource_name or catalog.device(accelerator.type), accelerator.count)
    return PodResources(cpu=resources.cpu or default_cpu, memory=memory, shared_memory=shared, devices=device)


def _bundles(model: Model) -> tuple[tuple[tuple[str, float], ...], ...]:
    group = f"group:{group_name(model.name)}"
    if model.accelerators[0].type == "CPU":
        return ((("CPU", _CPU_BUNDLE), (group, _TOKEN)),)
    return tuple((("GPU", 1), (group, _TOKEN)) for _ in range(model.parallelism.tensor))


def _group(path: str, model: Model, spec: LLMDeploymentSpec, head_image: str) -> GroupPlan:
    accelerator = model.accelerators[0]
    cpu_only = accelerator.type == "CPU"
    per_pod = accelerator.count // model.parallelism.tensor
    cpus = per_pod * (_REPLICA_ACTOR_CPUS + (_CPU_BUNDLE if cpu_only else 0))
    ray_resources = {"CPU": str(cpus), f"group:{group_name(model.name)}": "1"}
    resources = _pod_resources(path, model)
    tolerations = accelerator.tolerations
    if resources.devices is not None:
        ray_resources |= {"GPU": str(accelerator.count), f"accelerator_type:{accelerator.type}": "1"}
        tolerations = (catalog.device_toleration(resources.devices[0]), *tolerations)
    scaling = model.scaling
    return GroupPlan(
        name=group_name(model.name),
        image=model.engine.image or head_image,
        resources=resources,
        ray_resources=tuple(sorted(ray_resources.items())),
        replicas_per_pod=per_pod,
        min_pods=math.ceil(scaling.min_replicas / per_pod),
        max_pods=math.ceil((scaling.max_replicas or scaling.min_replicas) / per_pod),
        node_selector=tuple(sorted(accelerator.node_selector.items())),
        tolerations=tolerations,
        runtime_class_name=accelerator.runtime_class_name,
        env=model.engine.env,
        token=model.source.token_secret_ref,
        cpu_only=cpu_only,
    )


def _serving(model: Model, route: str) -> ServingPlan:
    scaling, health = model.scaling, model.health
    return ServingPlan(
        model_id=model.name,
        aliases=tuple(sorted(model.aliases)),
        route=route,
        source=model.source.uri.removeprefix("hf://").removeprefix("file://"),
        engine_kwargs=tuple(sorted(engine_kwargs(model).items())),
        bundles=_bundles(model),
        accelerator_type=None if model.accelerators[0].type == "CPU" else model.accelerators[0].type.value,
        group_resource=f"group:{group_name(model.name)}",
        min_replicas=scaling.min_replicas,
        max_replicas=scaling.max_replicas or scaling.min_replicas,
        target_ongoing_requests=scaling.target_ongoing_requests,
        max_ongoing_requests=scaling.max_ongoing_requests or 2 * scaling.target_ongoing_requests,
        scale_up_delay_seconds=scaling.scale_up_delay_seconds,
        scale_down_delay_seconds=scaling.scale_down_delay_seconds,
        startup_seconds=health.startup_seconds,
        health_period_seconds=health.period_seconds,
        health_timeout_seconds=health.timeout_seconds,
        graceful_shutdown_seconds=health.graceful_shutdown_seconds,
    )


def _route(model: Model, spec: LLMDeploymentSpec, routes: Mapping[str, str]) -> str:
    """A route never changes while the model exists. A lone new model gets `/`, every other one `/<name>`."""
    if model.name in routes:
        return routes[model.name]
    alone = len(spec.models) == 1 and "/" not in routes.values()
    return "/" if alone else f"/{model.name}"


def _accelerators(model: Model) -> str:
    accelerator = model.accelerators[0]
    return "CPU" if accelerator.type == "CPU" else f"{model.parallelism.tensor}x{accelerator.type.value}"


def _head(spec: LLMDeploymentSpec) -> PodResources:
    resources = spec.ray.head.resources
    memory = resources.memory or catalog.HEAD_MEMORY
    return PodResources(
        cpu=resources.cpu or catalog.HEAD_CPU,
        memory=memory,
        shared_memory=quantity.mebibytes(quantity.parse(memory) / 2),
    )


def resolve(spec: LLMDeploymentSpec, *, name: str, namespace: str, uid: str, routes: Mapping[str, str]) -> Plan:
    """`routes`: model name → route prefix of the models that are served already. Raises InvalidSpec."""
    errors = tuple(error for i, model in enumerate(spec.models) for error in check_args(f"spec.models[{i}]", model))
    if errors:
        raise InvalidSpec(errors)
    head_image = spec.ray.image or catalog.DEFAULT_IMAGE
    models = tuple(
        ModelPlan(
            serving=_serving(model, _route(model, spec, routes)),
            group=_group(f"spec.models[{i}]", model, spec, head_image),
            accelerators=_accelerators(model),
        )
        for i, model in enumerate(spec.models)
    )
    return Plan(
        name=name,
        namespace=namespace,
        uid=uid,
        ray_version=spec.ray.version,
        head_image=head_image,
        head=_head(spec),
        models=models,
        url=f"http://{name}-serve-svc.{namespace}.svc:{SERVE_PORT}",
    )
