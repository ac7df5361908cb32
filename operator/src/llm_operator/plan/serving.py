"""One model → its Serve application and its worker groups. Tests: tests/unit/plan, tests/golden."""

from dataclasses import dataclass
from typing import Any, Final

from llm_operator.api.spec.hardware import Accelerator, ModelResources, Parallelism
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.scaling import Scaling
from llm_operator.api.spec.serving import Role
from llm_operator.plan.deployments import engine_deployment
from llm_operator.plan.engine_kwargs import engine_kwargs
from llm_operator.plan.groups import PodSpec, group_names, split, worker_group
from llm_operator.plan.placement import Shape, group_name, group_resource, placement, shape
from llm_operator.plan.plan import (
    Builder,
    EnginePlan,
    GroupPlan,
    IngressPlan,
    ModelPlan,
    ServerPlan,
    ServingPlan,
)
from llm_operator.plan.routing import router
from llm_operator.plan.scaling import ingress_scale, most, probe, scale
from llm_operator.plan.sources import PodSource, pod_source

_PREFIX: Final = {Builder.OPENAI: "LLMServer", Builder.DATA_PARALLEL: "DPServer"}
# A resource of every head node (Ray 2.60.0, ray/_private/ray_constants.py, HEAD_NODE_RESOURCE_NAME).
_HEAD_NODE: Final = "node:__internal_head__"
_SIMULATED_ENGINE: Final = "llm_serve_app.simulated.engine.SimulatedEngine"


@dataclass(frozen=True, slots=True)
class Part:
    """A model, or one half of a disaggregated one: what has replicas of its own."""

    name: str
    """"" for a whole model; `prefill` or `decode`."""
    path: str
    accelerators: tuple[Accelerator, ...]
    parallelism: Parallelism
    resources: ModelResources
    scaling: Scaling

    def group(self, model: Model) -> str:
        """Name of its (first) worker group."""
        return group_name(f"{model.name}-{self.name}" if self.name else model.name)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """One for each kind of pods."""
        return tuple(shape(accelerator, self.parallelism) for accelerator in self.accelerators)


def _half(model: Model, path: str, name: str, role: Role) -> Part:
    return Part(
        name=name,
        path=f"{path}.disaggregation.{name}",
        accelerators=role.accelerators or model.accelerators[:1],
        parallelism=role.parallelism or model.parallelism,
        resources=role.resources or model.resources,
        scaling=role.scaling or model.scaling,
    )


def parts(path: str, model: Model) -> tuple[Part, ...]:
    """One, or prefill and decode."""
    split_up = model.disaggregation
    if split_up is not None:
        return (_half(model, path, "prefill", split_up.prefill), _half(model, path, "decode", split_up.decode))
    return (Part("", path, model.accelerators, model.parallelism, model.resources, model.scaling),)


def builder(model: Model) -> Builder:
    """Ray's builder for this shape of serving."""
    if model.disaggregation is not None:
        return Builder.PREFILL_DECODE
    return Builder.DATA_PARALLEL if model.parallelism.data > 1 else Builder.OPENAI


def _deployment(model: Model, part: Part, *, fast: bool) -> str:
    """Ray calls an engine's deployment after its class; prefill and decode after what they are."""
    kind = "AliasServer" if fast and _aliases(model) else _PREFIX.get(builder(model), "")
    return engine_deployment(model.name, part.name.capitalize() or kind)


def _simulation(model: Model) -> dict[str, Any]:
    """Settings of the simulated engine, in its own spelling; {} for vLLM."""
    if model.engine.type != "Simulated":
        return {}
    settings = model.engine.simulation
    return {"simulated": settings.model_dump(exclude_defaults=True) if settings is not None else {}}


def _engine(model: Model, part: Part, source: PodSource) -> EnginePlan:
    env = {"RAYLLM_ENGINE_START_TIMEOUT_S": str(model.health.startup_seconds)}
    if model.engine.type == "Simulated":
        # Read in the replica (Ray 2.60.0, llm/_internal/serve/core/server/llm_server.py).
        env["RAYLLM_VLLM_ENGINE_CLS"] = _SIMULATED_ENGINE
    return EnginePlan(
        model_id=model.name,
        model_source=source.model_source,
        engine_kwargs=tuple(sorted({**engine_kwargs(model, part.parallelism), **dict(source.engine_kwargs)}.items())),
        placement=placement(part.shapes, part.group(model)),
        env=tuple(sorted(env.items())),
        router=tuple(sorted(router(model.routing).items())),
        experimental=tuple(sorted(_simulation(model).items())),
    )


def _aliases(model: Model) -> tuple[tuple[str, str], ...]:
    names = dict.fromkeys(model.aliases, model.name)
    for adapter in model.lora.adapters if model.lora is not None else ():
        names |= dict.fromkeys(adapter.aliases, f"{model.name}:{adapter.name}")
    return tuple(sorted(names.items()))


def _ingress(model: Model, part: Part, *, sleeps: bool) -> IngressPlan:
    """On the model's own pods; when these may all go, on the head: it holds the request that wakes the model, and would keep
    a pod alive anywhere else (kuberay#4445)."""
    return IngressPlan(
        resource=_HEAD_NODE if sleeps else group_resource(part.group(model)),
        scale=ingress_scale(model.ingress),
        aliases=_aliases(model),
    )


def _serving(path: str, model: Model, route: str, source: PodSource, *, fast: bool, sleeps: bool) -> ServingPlan:
    made = parts(path, model)
    servers = tuple(
        ServerPlan(
            deployment=_deployment(model, part, fast=fast),
            engine=_engine(model, part, source),
            scale=scale(part.scaling, part.parallelism.data),
            probe=probe(model.health),
            aliases=_aliases(model) if fast else (),
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
    token = part.group(model)
    bounds = split(part.scaling.min_replicas, most(part.scaling), part.shapes)
    return tuple(
        worker_group(pod, name, token, kind, bound)
        for name, kind, bound in zip(group_names(token, part.shapes), part.shapes, bounds, strict=True)
    )


def _held(model: Model, made: tuple[Part, ...], groups: tuple[GroupPlan, ...]) -> tuple[tuple[str, int], ...]:
    kinds = [accelerator for part in made for accelerator in part.accelerators]
    return tuple(
        (accelerator.type.value, group.min_pods * accelerator.count)
        for accelerator, group in zip(kinds, groups, strict=True)
        if accelerator.type != "CPU"
    )


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
                path=part.path,
                owner=group_name(model.name),
                image=model.engine.image or image,
                resources=part.resources,
                env=model.engine.env,
                source=source,
            ),
        )
    return ModelPlan(
        serving=_serving(path, model, route, source, fast=fast, sleeps=sleeps),
        groups=groups,
        accelerators="+".join(dict.fromkeys(part.shapes[0].describe() for part in made)),
        held=_held(model, made, groups),
        min_replicas=sum(part.scaling.min_replicas for part in made),
        max_replicas=sum(most(part.scaling) for part in made),
        sleeps=sleeps,
        window=window,
    )
