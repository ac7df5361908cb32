"""Typed spec → Plan. Every default that needs arithmetic is made here and below. Pure. Tests: tests/unit/plan, tests/golden."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from llm_operator.api import quantity
from llm_operator.api.checks.scaling import scalings
from llm_operator.api.errors import FieldError, InvalidSpec
from llm_operator.api.names import SERVE_PORT
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.model import Model
from llm_operator.plan import catalog, fast_path, schedules
from llm_operator.plan.engine_args import check_args
from llm_operator.plan.plan import Plan, PodResources
from llm_operator.plan.routing import session_env
from llm_operator.plan.serving import model_plan


def _route(model: Model, spec: LLMDeploymentSpec, routes: Mapping[str, str]) -> str:
    """A route never changes while the model exists. A lone new model gets `/`, every other one `/<name>`."""
    if model.name in routes:
        return routes[model.name]
    alone = len(spec.models) == 1 and "/" not in routes.values()
    return "/" if alone else f"/{model.name}"


def _head(spec: LLMDeploymentSpec) -> PodResources:
    resources = spec.ray.head.resources
    memory = resources.memory or catalog.HEAD_MEMORY
    return PodResources(
        cpu=resources.cpu or catalog.HEAD_CPU,
        memory=memory,
        shared_memory=quantity.mebibytes(quantity.parse(memory) / 2),
        ephemeral_storage=resources.ephemeral_storage,
    )


def _errors(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """What needs the data of this package: names and types of vLLM's arguments, presets, compatibility."""
    for i, model in enumerate(spec.models):
        yield from check_args(f"spec.models[{i}]", model)
    for path, scaling in scalings(spec):
        yield from schedules.check(path, scaling)
    yield from fast_path.check(spec)


def resolve(
    spec: LLMDeploymentSpec, *, name: str, namespace: str, uid: str, routes: Mapping[str, str], now: datetime
) -> Plan:
    """`routes`: model name → route prefix of the models that are served already; `now`: aware, for the schedules.
    Raises InvalidSpec."""
    if errors := tuple(_errors(spec)):
        raise InvalidSpec(errors)
    image = spec.ray.image or catalog.DEFAULT_IMAGE
    fast = fast_path.fast_path(spec)
    current = schedules.in_force(spec, now)
    models = tuple(
        model_plan(
            f"spec.models[{i}]",
            model,
            route=_route(model, spec, routes),
            image=image,
            fast=fast.enabled,
            sleeps=any(schedules.may_sleep(scaling) for scaling in schedules.scalings_of(spec.models[i])),
            window=current.windows[f"spec.models[{i}].scaling"],
        )
        for i, model in enumerate(current.spec.models)
    )
    return Plan(
        name=name,
        namespace=namespace,
        uid=uid,
        ray_version=spec.ray.version,
        head_image=image,
        head=_head(spec),
        models=models,
        url=f"http://{name}-serve-svc.{namespace}.svc:{SERVE_PORT}",
        fast_path=fast,
        env=session_env(spec),
        idle_timeout_seconds=spec.ray.autoscaler.idle_timeout_seconds,
        upscaling_mode=spec.ray.autoscaler.upscaling_mode,
        next_change=current.seconds,
    )
