"""For every shape that is accepted: the fewest and the most pods hold the placement groups of the fewest and the most replicas,
packed as Ray packs them, whatever replica starts first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from builders import llm
from golden.ray_packing import demands, placed, pods
from hypothesis import assume, event, given
from hypothesis import strategies as st
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.validation import validate
from llm_operator.plan.plan import Plan, ServerPlan
from llm_operator.plan.pods import GroupPlan
from llm_operator.plan.resolve import resolve
from llm_operator.render.llm_app import llm_application

NOW = datetime(2026, 1, 2, tzinfo=UTC)
KINDS = st.sampled_from(["H100", "L4", "AMD-Instinct-MI300X-OAM"])
SLICES = [("TPU-V6E", "1x1", 1), ("TPU-V6E", "2x4", 8), ("TPU-V6E", "4x4", 16), ("TPU-V5P", "2x2x2", 8)]


@st.composite
def gpus(draw: st.DrawFn) -> dict[str, Any]:
    """Tensor x pipeline on pods that may hold several replicas, one, or a part of one; sometimes a gang."""
    tensor, pipeline = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from([1, 1, 2, 3, 4]))
    need = tensor * pipeline
    counts = [count for count in range(1, 17) if count % need == 0 or (need % count == 0 and count % tensor == 0)]
    assume(counts)
    data = draw(st.sampled_from([1, 1, 2, 3, 5, 8]))
    return {
        "accelerators": [{"type": draw(KINDS), "count": draw(st.sampled_from(counts))}],
        "parallelism": {"tensor": tensor, "pipeline": pipeline, "data": data},
    }


@st.composite
def several(draw: st.DrawFn) -> dict[str, Any]:
    """Up to four kinds of pods, each with room for whole replicas, some with a limit."""
    tensor = draw(st.sampled_from([1, 2, 4]))
    entry = st.fixed_dictionaries(
        {"type": KINDS, "count": st.sampled_from([tensor, 2 * tensor, 3 * tensor])},
        optional={"maxReplicas": st.integers(1, 9)},
    )
    return {"accelerators": draw(st.lists(entry, min_size=2, max_size=4)), "parallelism": {"tensor": tensor}}


@st.composite
def shares(draw: st.DrawFn) -> dict[str, Any]:
    """Fractions of a GPU, on pods of one or more."""
    share = draw(st.integers(5, 99)) / 100
    return {"accelerators": [{"type": "L4", "count": draw(st.integers(1, 4)), "share": share}]}


@st.composite
def slices(draw: st.DrawFn) -> dict[str, Any]:
    """Whole TPU slices."""
    kind, topology, chips = draw(st.sampled_from(SLICES))
    return {"accelerators": [{"type": kind, "topology": topology}], "parallelism": {"tensor": chips}}


CPUS = st.fixed_dictionaries({"accelerators": st.just([{"type": "CPU"}])})
SHAPES = st.one_of(gpus(), several(), shares(), slices(), CPUS)


def _group(group: GroupPlan) -> dict[str, Any]:
    return {
        "resources": dict(group.ray_resources),
        "numOfHosts": group.hosts,
        "minReplicas": group.min_pods,
        "maxReplicas": group.max_pods,
    }


def _holds(plan: Plan, server: ServerPlan, config: dict[str, Any]) -> None:
    token = server.engine.placement.token
    own = [_group(group) for group in plan.groups if token in dict(group.ray_resources)]
    for bound, replicas in (("minReplicas", server.scale.min_replicas), ("maxReplicas", server.scale.max_replicas)):
        free = [pod for group in own for pod in pods(group, bound)]
        assert placed(free, demands(config, replicas)), (bound, replicas, own)


@given(shape=SHAPES, halves=st.booleans(), fewest=st.integers(0, 7), more=st.integers(0, 7))
def test_pods_hold_the_replicas(shape: dict[str, Any], halves: bool, fewest: int, more: int) -> None:
    scaling = {"minReplicas": fewest, "maxReplicas": max(1, fewest + more)}
    made = llm("m").model(**shape, scaling=scaling)
    if halves:
        made = made.model(disaggregation={})
    try:
        spec = validate("m", made.object()["spec"])
        plan = resolve(spec, name="m", namespace="llm", uid="u", routes={}, now=NOW)
    except InvalidSpec as invalid:
        event(f"refused: {str(invalid.errors[0]).partition(':')[0]}")
        return
    event("accepted")
    (model,) = plan.models
    args = llm_application(model.serving)["args"]
    configs = args.get("llm_configs") or [
        args[k] for k in ("llm_config", "prefill_config", "decode_config") if k in args
    ]
    assert len(configs) == len(model.serving.servers)
    for server, config in zip(model.serving.servers, configs, strict=True):
        _holds(plan, server, config)
