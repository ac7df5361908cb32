"""Accelerators, parallelism and scaling that fit each other: drawn by shape, not repaired afterwards."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from llm_operator.api.crd import spec_schema
from unit.drawing.schema import Drawn, Schema, values

MODEL: Final[Schema] = spec_schema()["properties"]["models"]["items"]
ACCELERATOR: Final[Schema] = MODEL["properties"]["accelerators"]["items"]
_SHAPED: Final = frozenset({"type", "count", "share", "topology", "maxReplicas"})
_GPUS: Final = st.sampled_from(["L4", "H100", "A100-80G", "AMD-Instinct-MI300X-OAM", "Intel-GPU-Max-1550"])
_TPUS: Final = st.sampled_from([("TPU-V5LITEPOD", "2x4", 8, 1), ("TPU-V6E", "4x4", 4, 4), ("TPU-V4", "2x2x1", 4, 1)])
# Accelerators per pod, tensor, pipeline: in one pod, several in one pod, one over several pods.
_SIZES: Final = st.sampled_from(
    [(1, 1, 1), (8, 8, 1), (8, 2, 1), (8, 2, 2), (1, 1, 3), (8, 8, 2), (4, 2, 4), (2, 1, 1)]
)

Model = dict[str, Any]


def _sized(tensor: int, pipeline: int, **more: Any) -> dict[str, Any]:
    """Ones are the default: sometimes said, sometimes not."""
    said = {"tensor": tensor, "pipeline": pipeline, **more}
    return {name: value for name, value in said.items() if value != 1 or name == "tensor"}


@st.composite
def entry(draw: st.DrawFn, /, kind: str, count: int = 1, **more: Any) -> dict[str, Any]:
    """One accelerator, with whatever else its pods may ask for."""
    made: dict[str, Any] = {"type": kind, **more}
    if count != 1 or (kind != "CPU" and not kind.startswith("TPU") and draw(st.booleans())):
        made["count"] = count
    without = _SHAPED | ({"resourceName"} if kind == "CPU" or kind.startswith("TPU") else set())
    made |= draw(values(ACCELERATOR, ("accelerators",), frozenset(without)))
    if kind.startswith("TPU") or "nvidia.com/mig-" in made.get("resourceName", ""):
        made.pop("nodeSelector", None)
    made["tolerations"] = [_tolerable(toleration) for toleration in made.get("tolerations", ())]
    return made


def _tolerable(toleration: dict[str, Any]) -> dict[str, Any]:
    """The three rules of a toleration."""
    if "key" not in toleration:
        toleration["operator"] = "Exists"
    if toleration.get("operator") == "Exists":
        toleration.pop("value", None)
    if toleration.get("effect") != "NoExecute":
        toleration.pop("tolerationSeconds", None)
    return toleration


@st.composite
def _whole(draw: st.DrawFn) -> Model:
    count, tensor, pipeline = draw(_SIZES)
    made: Model = {"accelerators": [draw(entry(draw(_GPUS), count))]}
    if (tensor, pipeline) != (1, 1) or draw(st.booleans()):
        made["parallelism"] = _sized(tensor, pipeline)
    return made


@st.composite
def _shared(draw: st.DrawFn) -> Model:
    share = draw(st.sampled_from([0.1, 0.25, 0.3, 0.5]))
    kinds = draw(st.lists(_GPUS, min_size=1, max_size=2))
    return {"accelerators": [draw(entry(kind, draw(st.integers(1, 2)), share=share)) for kind in kinds]}


@st.composite
def _several(draw: st.DrawFn) -> Model:
    tensor = draw(st.sampled_from([1, 2]))
    kinds = draw(st.lists(_GPUS, min_size=2, max_size=3))
    entries = [draw(entry(kind, tensor * draw(st.integers(1, 2)))) for kind in kinds]
    entries[0]["maxReplicas"] = draw(st.integers(1, 5))
    return {"accelerators": entries, "parallelism": _sized(tensor, 1)}


@st.composite
def _tpu(draw: st.DrawFn) -> Model:
    kind, topology, tensor, pipeline = draw(_TPUS)
    return {"accelerators": [draw(entry(kind, topology=topology))], "parallelism": _sized(tensor, pipeline)}


@st.composite
def _data(draw: st.DrawFn) -> Model:
    tensor = draw(st.sampled_from([1, 2]))
    ranks = draw(st.integers(2, 4))
    parallelism = _sized(tensor, 1, data=ranks, expert=draw(st.booleans()))
    return {"accelerators": [draw(entry(draw(_GPUS), draw(st.sampled_from([2, 8]))))], "parallelism": parallelism}


@st.composite
def _cpu(draw: st.DrawFn) -> Model:
    return {"accelerators": [draw(entry("CPU"))]}


@st.composite
def _half(draw: st.DrawFn, kind: str, tensor: int) -> dict[str, Any]:
    made: dict[str, Any] = draw(values(MODEL["properties"]["disaggregation"]["properties"]["prefill"], ("disaggregation", "prefill"),
                       frozenset({"accelerators", "parallelism", "scaling"})))  # fmt: skip
    if draw(st.booleans()):
        made["accelerators"] = [draw(entry(kind, 8))]
    if draw(st.booleans()):
        made["parallelism"] = _sized(draw(st.sampled_from([tensor, 8])), 1, data=draw(st.sampled_from([1, 2])))
    if draw(st.booleans()):
        made["scaling"] = draw(scaling())
    return made


@st.composite
def _halves(draw: st.DrawFn) -> Model:
    connector = draw(st.sampled_from(["Nixl", "LMCache", "MoRIIO"]))
    kind = "AMD-Instinct-MI300X-OAM" if connector == "MoRIIO" else draw(_GPUS)
    tensor = draw(st.sampled_from([1, 4]))
    halves = {name: draw(_half(kind, tensor)) for name in ("prefill", "decode") if draw(st.booleans())}
    return {
        "accelerators": [draw(entry(kind, 8))],
        "parallelism": _sized(tensor, 1),
        "disaggregation": {"connector": connector, **halves},
    }


shapes: Drawn = _whole() | _shared() | _several() | _tpu() | _data() | _cpu() | _halves()


def _ordered(made: dict[str, Any], low: str, high: str, default: int) -> None:
    """Raise the upper bound to the lower one."""
    if high in made and made[high] < made.get(low, default):
        made[high] = made.get(low, default)


def _schedule(window: dict[str, Any], around: dict[str, Any]) -> dict[str, Any]:
    most = around.get("maxReplicas") or max(1, around.get("minReplicas", 1))
    if "minReplicas" not in window and "maxReplicas" not in window:
        window["minReplicas"] = 0
    fewest = window.get("minReplicas", around.get("minReplicas", 1))
    if (window.get("maxReplicas") or most) < fewest:
        window["maxReplicas"] = fewest
    if window["start"] == window["end"]:
        window["days"] = ["Mon"]
    return window


@st.composite
def scaling(draw: st.DrawFn) -> dict[str, Any]:
    """Any scaling whose numbers are in order."""
    made: dict[str, Any] = draw(values(MODEL["properties"]["scaling"], ("scaling",)))
    if draw(st.booleans()):
        made["minReplicas"] = 0
    _ordered(made, "minReplicas", "maxReplicas", 1)
    _ordered(made, "targetOngoingRequests", "maxOngoingRequests", 64)
    window = max(made.get("lookBackSeconds", 30), 2)
    interval = made.get("metricsIntervalSeconds", 10)
    if window <= interval:
        made |= {"lookBackSeconds": window, "metricsIntervalSeconds": min(interval, window - 1)}
    fewest = made.get("minReplicas", 1)
    most = made.get("maxReplicas") or max(1, fewest)
    if "initialReplicas" in made:
        made["initialReplicas"] = min(max(made["initialReplicas"], fewest), most)
    made["schedules"] = [_schedule(window, made) for window in made.get("schedules", ())]
    if fewest and not any(window.get("minReplicas") == 0 for window in made["schedules"]):
        made.pop("scaleToZero", None)
    return made
