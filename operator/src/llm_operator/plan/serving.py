"""One model → its Serve application and its worker groups. Tests: tests/unit/plan, tests/golden."""

from typing import Any, Final

from llm_operator.api.parts import Part, parts
from llm_operator.api.spec.model import Model
from llm_operator.plan import disaggregation
from llm_operator.plan.deployments import engine_deployment
from llm_operator.plan.engine_kwargs import engine_kwargs
from llm_operator.plan.group_names import group_names, part_group
from llm_operator.plan.groups import PodSpec, split, worker_group
from llm_operator.plan.kv_offload import offload_kwargs
from llm_operator.plan.lora import aliases, lora_config
from llm_operator.plan.placement import group_name, group_resource, memory_utilization, placement, shapes_of
from llm_operator.plan.plan import (
    Builder,
    EnginePlan,
    IngressPlan,
    ModelPlan,
    ServerPlan,
    ServingPlan,
    TokenProgressPlan,
)
from llm_operator.plan.pods import GroupPlan
from llm_operator.plan.routing import router
from llm_operator.plan.scaling import ingress_scale, most, probe, scale
from llm_operator.plan.sources import PodSource, pod_source

_PREFIX: Final = {Builder.OPENAI: "LLMServer", Builder.DATA_PARALLEL: "DPServer"}
# A resource of every head node (Ray 2.60.0, ray/_private/ray_constants.py, HEAD_NODE_RESOURCE_NAME).
_HEAD_NODE: Final = "node:__internal_head__"
# Engine class by (engine type, warmUp): read by every server class of Ray Serve LLM, in every pattern of serving
# (Ray 2.60.0, llm/_internal/serve/core/server/llm_server.py, _get_default_engine_class).
_ENGINE_CLASS: Final = {
    ("Simulated", "Operator"): "llm_serve_app.simulated.engine.SimulatedEngine",
    ("Simulated", "Replica"): "llm_serve_app.warm_up.WarmSimulatedEngine",
    ("vLLM", "Replica"): "llm_serve_app.warm_up.WarmVLLMEngine",
}


def builder(model: Model) -> Builder:
    """Ray's builder for this shape of serving."""
    if model.disaggregation is not None:
        return Builder.PREFILL_DECODE
    return Builder.DATA_PARALLEL if model.parallelism.data > 1 else Builder.OPENAI


def _deployment(model: Model, part: Part, *, fast: bool) -> str:
    """Ray calls an engine's deployment after its class; prefill and decode after what they are."""
    kind = "AliasServer" if fast and aliases(model) else _PREFIX.get(builder(model), "")
    return engine_deployment(model.name, part.name.capitalize() or kind)


def _simulation(model: Model) -> dict[str, Any]:
    """Settings of the simulated engine, in its own spelling; {} for vLLM."""
    if model.engine.type != "Simulated":
        return {}
    settings = model.engine.simulation
    return {"simulated": settings.model_dump(exclude_defaults=True) if settings is not None else {}}


def _kwargs(model: Model, part: Part, source: PodSource) -> tuple[tuple[str, Any], ...]:
    kwargs = {
        **engine_kwargs(model, part.parallelism),
        **dict(source.engine_kwargs),
        **offload_kwargs(model, part),
        **disaggregation.engine_kwargs(model, part),
    }
    utilization = memory_utilization(shapes_of(part))
    if utilization is not None:
        kwargs.setdefault("gpu_memory_utilization", utilization)
    return tuple(sorted(kwargs.items()))


def _engine(model: Model, part: Part, source: PodSource) -> EnginePlan:
    env = {"RAYLLM_ENGINE_START_TIMEOUT_S": str(model.health.startup_seconds), **dict(source.replica_env)}
    if engine_class := _ENGINE_CLASS.get((model.engine.type, model.health.warm_up)):
        env["RAYLLM_VLLM_ENGINE_CLS"] = engine_class
    return EnginePlan(
        model_id=model.name,
        model_source=source.model_source,
        engine_kwargs=_kwargs(model, part, source),
        placement=placement(shapes_of(part), part_group(model.name, part)),
        env=tuple(sorted(env.items())),
        lora=tuple(sorted(lora_config(model).items())),
        router=tuple(sorted(router(model.routing).items())),
        experimental=tuple(sorted(_simulation(model).items())),
    )


def _ingress(model: Model, part: Part, *, sleeps: bool) -> IngressPlan:
    """On the model's own pods; when these may all go, on the head: it holds the request that wakes the model, and would keep
    a pod alive anywhere else (kuberay#4445)."""
    return IngressPlan(
        resource=_HEAD_NODE if sleeps else group_resource(part_group(model.name, part)),
        scale=ingress_scale(model.ingress),
        aliases=aliases(model),
    )


def _serving(path: str, model: Model, route: str, source: PodSource, *, fast: bool, sleeps: bool) -> ServingPlan:
    made = parts(path, model)
    servers = tuple(
        ServerPlan(
            deployment=_deployment(model, part, fast=fast),
            engine=_engine(model, part, source),
            scale=scale(part.scaling, part.parallelism.data),
            probe=probe(model.health),
            aliases=aliases(model) if fast else (),
        )
        for part in made
    )
    return ServingPlan(
        model_id=model.name,
        route=route,
        builder=builder(model),
        servers=servers,
        ingress=None if fast else _ingress(model, made[-1], sleeps=sleeps),
    )


def _groups(model: Model, part: Part, pod: PodSpec) -> tuple[GroupPlan, ...]:
    shapes = shapes_of(part)
    bounds = split(part.scaling.min_replicas, most(part.scaling), shapes)
    return tuple(
        worker_group(pod, name, part_group(model.name, part), kind, bound)
        for name, kind, bound in zip(group_names(model.name, part), shapes, bounds, strict=True)
    )


def _held(made: tuple[Part, ...], groups: tuple[GroupPlan, ...]) -> tuple[tuple[str, int], ...]:
    shapes = [shape for part in made for shape in shapes_of(part)]
    return tuple(
        (shape.accelerator.type.value, group.min_pods * group.hosts * shape.devices_per_pod)
        for shape, group in zip(shapes, groups, strict=True)
        if not shape.cpu_only
    )


def _progress(model: Model) -> TokenProgressPlan | None:
    asked = model.health.token_progress
    if asked is None:
        return None
    return TokenProgressPlan(asked.stall_seconds, asked.action == "Restart", asked.max_restarts_per_hour)


def model_plan(path: str, model: Model, *, route: str, image: str, fast: bool, sleeps: bool, window: str) -> ModelPlan:
    """`sleeps`: zero replicas may be wanted at some time; `window`: name of the open schedule. Raises InvalidSpec for what
    only shows with all defaults filled in."""
    source = pod_source(model)
    made = parts(path, model)
    groups: tuple[GroupPlan, ...] = ()
    for part in made:
        groups += _groups(
            model,
            part,
            PodSpec(
                resources_path=part.resources_path,
                owner=group_name(model.name),
                image=model.engine.image or image,
                resources=part.resources,
                env=model.engine.env,
                default_env=disaggregation.default_env(model),
                source=source,
            ),
        )
    return ModelPlan(
        serving=_serving(path, model, route, source, fast=fast, sleeps=sleeps),
        groups=groups,
        accelerators="+".join(shapes_of(part)[0].describe() for part in made),
        held=_held(made, groups),
        min_replicas=sum(part.scaling.min_replicas for part in made),
        max_replicas=sum(most(part.scaling) for part in made),
        sleeps=sleeps,
        window=window,
        task=model.task,
        progress=_progress(model),
    )
