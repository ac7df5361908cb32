"""One model: what serves it, where, at what cost, and what it needs."""

from typing import Final

from llm_operator.api.parts import Part, parts
from llm_operator.api.spec.model import Model
from llm_operator.plan import presets
from llm_operator.plan.placement import shapes_of
from llm_operator.plan.plan import Builder, EnginePlan, ModelPlan, Placement, Plan, ServerPlan
from llm_operator.plan.pods import GroupPlan
from llm_operator.plan.presets import Preset
from llm_operator.plan.totals import Range, accelerators, kind_of, model_cost, model_pods
from llm_operator.render.explain.layout import Section, costs, listed, many, span
from llm_operator.render.explain.memory import memory_lines
from llm_operator.render.explain.needs import model_needs
from llm_operator.render.explain.replicas import replica_lines
from llm_operator.render.explain.whole import resources

_ANSWERS: Final = {
    "Generate": "/v1/chat/completions, /v1/completions",
    "Embed": "/v1/embeddings",
    "Score": "/v1/score",
    "Transcribe": "/v1/audio/transcriptions",
}
_BUILDERS: Final = {
    Builder.OPENAI: "build_openai_app",
    Builder.DATA_PARALLEL: "build_dp_openai_app (data parallel)",
    Builder.PREFILL_DECODE: "build_pd_openai_app (prefill and decode apart)",
}
_ROUTING: Final = {
    "PowerOfTwo": "PowerOfTwo: the shorter queue of two replicas",
    "RoundRobin": "RoundRobin: replicas in turn",
    "Session": "Session: the same replica for the same session header",
    "PrefixCacheAffinity": "PrefixCacheAffinity: the replica that has seen the prompt's beginning",
    "KVAware": "KVAware: the replica whose KV cache holds most of the prompt",
}


def _names(model: Model) -> list[str]:
    said = [f'ask for "{model.name}"' + (f" or {listed(list(model.aliases))}" if model.aliases else "")]
    if model.lora is not None:
        said.append(
            f'and for "{model.name}:ADAPTER", each folder ADAPTER of {model.lora.root} (rank up to {model.lora.max_rank}, '
            f"{model.lora.max_adapters_per_replica} loaded at once in a replica)"
        )
        said += [f'{listed(list(adapter.aliases))}: "{model.name}:{adapter.name}"' for adapter in model.lora.adapters]
    return said


def _source(model: Model) -> str:
    source = model.source
    if source.streaming is not None:
        return f"{source.uri}, streamed into the accelerators' memory"
    if not source.uri.startswith("hf://"):
        return source.uri
    return f"{source.uri}, revision {source.revision}" if source.revision else f"{source.uri}, revision not pinned"


def _sets(preset: Preset, user: Model, applied: Model) -> list[str]:
    """What the preset really added."""
    ours = preset.engine.model_dump(by_alias=True, exclude_unset=True, mode="json")
    theirs = user.engine.model_dump(by_alias=True, exclude_unset=True, mode="json")
    now = applied.engine.model_dump(by_alias=True, exclude_unset=True, mode="json")
    said = [f"task {applied.task}"] if "task" not in user.model_fields_set and applied.task != "Generate" else []
    said += [f"{name} {now[name]}" for name in ours if name != "args" and name in now and now[name] != theirs.get(name)]
    said += [f"{name} {value}" for name, value in now.get("args", {}).items() if name not in theirs.get("args", {})]
    return said


def _preset(user: Model, applied: Model) -> list[str]:
    if user.preset is None:
        known = presets.matching(user.source.uri.removeprefix("hf://"))
        return [f"none; there is one for it: {listed(list(known))}"] if known else []
    preset = presets.preset(user.preset)
    said = [f"{preset.name} set {', '.join(_sets(preset, user, applied)) or 'nothing'}", preset.note]
    if preset.thinking is not None:
        state = "on" if preset.thinking.default else "off"
        said.append(
            f"thinking is {state} unless a request sets chat_template_kwargs: {{{preset.thinking.kwarg}: "
            f"{'false' if preset.thinking.default else 'true'}}}"
        )
    if preset.air_gap is not None:
        said.append(
            f"without internet: {listed(list(preset.air_gap.files))} in a folder that {preset.air_gap.variable} names"
        )
    return said


def _routing(model: Model, planned: ModelPlan) -> str:
    default = "RoundRobin" if planned.serving.ingress is None else "PowerOfTwo"
    strategy = model.routing.strategy
    said = _ROUTING[strategy or default]
    return said if strategy is not None else f"{said} (the default here)"


def _spread(part: Part) -> str:
    sizes = part.parallelism
    shape = shapes_of(part)[0]
    if shape.cpu_only:
        return f"CPU; {many(sizes.data, 'engine')} a replica" if sizes.data > 1 else "CPU"
    if part.accelerators[0].share is not None:
        return f"{part.accelerators[0].share:g} of an accelerator a replica"
    said = f"tensor {sizes.tensor} x pipeline {sizes.pipeline} = {many(shape.devices, 'accelerator')} an engine"
    if sizes.data > 1:
        said += (
            f"; data {sizes.data}: {sizes.data} engines = {many(shape.devices * sizes.data, 'accelerator')} a replica"
        )
    return said + ("; the experts are spread over all of them" if sizes.expert else "")


def _fit(part: Part) -> str:
    """Replicas against pods."""
    shape = shapes_of(part)[0]
    if shape.engines_per_pod > 1 and shape.ranks == 1:
        return f"a pod holds up to {shape.engines_per_pod} replicas"
    return f"a replica takes {many(shape.pods(1), 'pod')}"


def _group(group: GroupPlan) -> str:
    kind, count = kind_of(group)
    bounds = (group.min_pods * group.hosts, group.max_pods * group.hosts)
    devices = ", ".join(f"{name}: {number}" for name, number in group.resources.devices)
    each = f"{count} x {kind} ({devices}), " if count else ""
    hosts = f", {group.hosts} hosts a slice" if group.hosts > 1 else ""
    where = "".join(f"; node label {name}={value}" for name, value in group.node_selector)
    return f"group {group.name}: {many(span(bounds), 'pod')}{hosts} of {each}{resources(group.resources)}{where}"


def _placement(part: Part, placement: Placement) -> str:
    first = dict(placement.bundles[0])
    asked = ", ".join(f"{name} {amount:g}" for name, amount in first.items() if not name.startswith("group:"))
    strategy = placement.strategy if part.parallelism.data == 1 else "PACK"  # Ray drops the engine's own then
    where = "all in one pod" if strategy == "STRICT_PACK" else "in as few pods as possible"
    kind = f" on {placement.accelerator_type}" if placement.accelerator_type else ""
    return f"{many(len(placement.bundles), 'bundle')} of {{{asked}}} an engine{kind}, {strategy}: {where}"


def _disk(model: Model, group: GroupPlan) -> str:
    if model.source.uri.startswith(("pvc://", "file://")) or model.source.streaming is not None:
        return ""
    if model.engine.type == "Simulated":
        return ""
    if model.cache.weights is not None:
        return "weights are downloaded into cache.weights"
    limit = group.resources.ephemeral_storage
    room = f"at most {limit}" if limit is not None else "no limit is set"
    return f"each new pod downloads the weights into its container's own layer ({room}); cache.weights would keep them"


def _engine(engine: EnginePlan) -> list[str]:
    hidden = {"tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size"}
    said = ", ".join(f"{name}={value}" for name, value in engine.engine_kwargs if name not in hidden)
    return [said] if len(said) <= 1000 else [f"{said[:1000]} ..."]


def _part(
    section: Section,
    model: Model,
    part: Part,
    server: ServerPlan,
    groups: tuple[GroupPlan, ...],
    cost: dict[str, Range],
) -> None:
    section.add("Spread", _spread(part))
    section.add("Replicas", *replica_lines(part.scaling))
    section.add("Pods", _fit(part), *(_group(group) for group in groups))
    section.add("Accelerators", costs(cost))
    section.add("Placement", _placement(part, server.engine.placement))
    section.add("Memory", *memory_lines(model, part, dict(server.engine.engine_kwargs), groups[0].resources))
    section.add("Arguments", *_engine(server.engine))


def model_sections(user: Model, model: Model, plan: Plan, planned: ModelPlan, week: ModelPlan) -> list[Section]:
    """`user`: as written; `model`: with its preset; `week`: over all windows. One section, and one for each half."""
    made = Section(f"Model {model.name}")
    made.add("Clients", f"{plan.url_of(planned)}", *_names(model))
    made.add("Task", f"{model.task}: {_ANSWERS[model.task]}")
    made.add("Weights", _source(model))
    image = week.groups[0].image
    made.add("Engine", f"{model.engine.type}, by Ray's {_BUILDERS[planned.serving.builder]}, image {image}")
    made.add("Preset", *_preset(user, model))
    made.add("Routing", _routing(model, planned))
    if planned.window:
        made.add("Window", f"open now: {planned.window}")
    halves = parts("", model)
    if len(halves) == 1:
        _part(made, model, halves[0], planned.serving.servers[0], week.groups, model_cost(week))
    else:
        made.add("Accelerators", costs(model_cost(week)))
        made.add("Worker pods", span(model_pods(week)))
    made.add("Disk", _disk(model, week.groups[0]))
    made.add("Needs", *model_needs(model, planned))
    sections = [made]
    if len(halves) > 1:
        for half, server, group in zip(halves, planned.serving.servers, week.groups, strict=True):
            section = Section(f"Model {model.name}, {half.name}")
            _part(section, model, half, server, (group,), accelerators((group,)))
            sections.append(section)
    return sections
