"""Typed spec → Plan. Every default that needs arithmetic is made here and below. Pure. Tests: tests/unit/plan, tests/golden."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from llm_operator.api import quantity
from llm_operator.api.checks.scaling import scalings
from llm_operator.api.errors import FieldError, InvalidSpec
from llm_operator.api.names import SERVE_PORT
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.head import Head
from llm_operator.plan import application_checks, catalog, engine_checks, fast_path, group_names, schedules
from llm_operator.plan import routes as paths
from llm_operator.plan.applications import application_plan
from llm_operator.plan.engine_args import check_args
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy
from llm_operator.plan.plan import ApplicationPlan, IncrementalPlan, ModelPlan, Plan
from llm_operator.plan.pods import PodResources
from llm_operator.plan.preset_spec import with_presets
from llm_operator.plan.routing import session_env
from llm_operator.plan.scheduling import pod_scheduling
from llm_operator.plan.serving import model_plan


def _head(spec: LLMDeploymentSpec) -> PodResources:
    resources = spec.ray.head.resources
    memory = resources.memory or catalog.HEAD_MEMORY
    return PodResources(
        cpu=resources.cpu or catalog.HEAD_CPU,
        memory=memory,
        shared_memory=quantity.mebibytes(quantity.parse(memory) / 2),
        ephemeral_storage=resources.ephemeral_storage,
    )


def _protected(head: Head) -> bool:
    if head.disruption_budget == "Auto":
        return head.fault_tolerance is None
    return head.disruption_budget == "Protect"


def _errors(spec: LLMDeploymentSpec, policy: Policy) -> Iterator[FieldError]:
    """What needs the data of this package: names and types of vLLM's arguments, presets, compatibility."""
    for i, model in enumerate(spec.models):
        yield from check_args(f"spec.models[{i}]", model, remote_code=policy.allow_remote_code)
        yield from engine_checks.check(f"spec.models[{i}]", model, policy)
    for path, scaling in scalings(spec):
        yield from schedules.check(path, scaling)
    yield from group_names.check(spec)
    yield from fast_path.check(spec)
    yield from application_checks.check(spec, policy)


def _applications(spec: LLMDeploymentSpec, current: LLMDeploymentSpec, image: str) -> tuple[ApplicationPlan, ...]:
    """`current`: the spec with the bounds of the open schedules."""
    return tuple(
        application_plan(
            f"spec.applications[{i}]",
            application,
            image=image,
            sleeps=all(
                deployment.scaling is not None and schedules.may_sleep(deployment.scaling)
                for deployment in spec.applications[i].deployments
            ),
        )
        for i, application in enumerate(current.applications)
    )


def _models(
    spec: LLMDeploymentSpec, current: schedules.InForce, taken: Mapping[str, str], image: str, *, fast: bool
) -> tuple[ModelPlan, ...]:
    """`current`: the spec with the bounds of the open schedules; `taken`: model name → route."""
    return tuple(
        model_plan(
            f"spec.models[{i}]",
            model,
            route=taken[model.name],
            image=image,
            fast=fast,
            sleeps=any(schedules.may_sleep(scaling) for scaling in schedules.scalings_of(spec.models[i])),
            window=current.windows[f"spec.models[{i}].scaling"],
        )
        for i, model in enumerate(current.spec.models)
    )


def _url(host: str) -> str:
    return f"http://{host}" if host else ""


def _incremental(spec: LLMDeploymentSpec) -> IncrementalPlan | None:
    said = spec.rollout.incremental
    if said is None:
        return None
    return IncrementalPlan(
        said.gateway_class_name, said.step_size_percent, said.interval_seconds, said.max_surge_percent
    )


def resolve(
    spec: LLMDeploymentSpec,
    *,
    name: str,
    namespace: str,
    uid: str,
    routes: Mapping[str, str],
    now: datetime,
    policy: Policy = DEFAULT_POLICY,
    gateway: str | None = None,
) -> Plan:
    """`routes`: model name → route prefix of the models that are served already; `now`: aware, for the schedules; `gateway`: where
    requests come by a Gateway (strategy Incremental), its address; empty while it has none. Raises InvalidSpec."""
    spec = with_presets(spec)
    if errors := tuple(_errors(spec, policy)):
        raise InvalidSpec(errors)
    taken = {model.name: paths.model_route(model, spec, routes) for model in spec.models}
    if errors := tuple(paths.check(spec, taken)):
        raise InvalidSpec(errors)
    image = spec.ray.image or catalog.DEFAULT_IMAGE
    fast = fast_path.fast_path(spec)
    current = schedules.in_force(spec, now)
    models = _models(spec, current, taken, image, fast=fast.enabled)
    return Plan(
        name=name,
        namespace=namespace,
        uid=uid,
        ray_version=spec.ray.version,
        head_image=image,
        head=_head(spec),
        models=models,
        url=_url(f"{name}-serve-svc.{namespace}.svc:{SERVE_PORT}" if gateway is None else gateway),
        by_gateway=gateway is not None,
        fast_path=fast,
        head_protected=_protected(spec.ray.head),
        redis=spec.ray.head.fault_tolerance.redis if spec.ray.head.fault_tolerance is not None else None,
        orphan=spec.deletion_policy == "Orphan",
        applications=_applications(spec, current.spec, image),
        env=session_env(spec),
        idle_timeout_seconds=spec.ray.autoscaler.idle_timeout_seconds,
        upscaling_mode=spec.ray.autoscaler.upscaling_mode,
        scheduling=pod_scheduling(spec.scheduling, name=name, uid=uid),
        render_version=policy.render_version,
        incremental=_incremental(spec),
        next_change=current.seconds,
    )
