"""hypothesis strategies: specs of everything that the API has, nearly all of them right, and any JSON.

Values come from the CRD's own schema (drawing/schema.py), so that a new field is drawn as soon as it is there; what has to fit
together is drawn together (hardware, sources) or mended here. test_drawn_specs.py measures how many are right.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from llm_operator.api.crd import spec_schema
from llm_operator.plan.inputs import Policy
from unit.drawing.application import applications
from unit.drawing.model import models
from unit.drawing.schema import json_values, values

__all__ = ["POLICY", "json_values", "specs"]

POLICY: Final = Policy(allow_host_path=True, application_import_paths=("my_app",), gateway_classes=("istio",))
"""Under which these specs are right."""
_NAMES: Final = ["llm", "qwen3-8b", "llama-3.1-8b", "a", "x" * 40, "m1"]
_HEADER: Final = "X-User"
_SCHEMA: Final = spec_schema()

Spec = dict[str, Any]


def _name_aliases(spec: Spec) -> None:
    """No two alike, whatever was drawn."""
    for i, model in enumerate(spec["models"]):
        if "aliases" in model:
            model["aliases"] = [f"alias/{i}-{k}" for k in range(len(model["aliases"]))]
        for n, adapter in enumerate(model.get("lora", {}).get("adapters", ())):
            adapter["aliases"] = [f"adapter-{i}-{n}-{k}" for k in range(len(adapter["aliases"]))]


def _needs_image(spec: Spec) -> bool:
    return bool(spec.get("applications")) or any(
        model.get("aliases") or model.get("lora", {}).get("adapters") or model.get("engine", {}).get("type") == "Simulated"
        for model in spec["models"]
    )  # fmt: skip


def _repair_ray(spec: Spec) -> None:
    ray = spec.setdefault("ray", {})
    if "version" in ray:
        ray["version"] = "2.60.0" if spec.get("performance", {}).get("profile") == "Throughput" else "2.54.1"
    if _needs_image(spec) or "version" in ray:
        ray.setdefault("image", "registry.example/ray:1")


def _repair_routing(spec: Spec) -> None:
    """One session header for all; options of the ingress only where there is one."""
    profile = spec.get("performance", {}).get("profile")
    for model in spec["models"]:
        session = model.get("routing", {}).get("session", {})
        if model.get("routing", {}).get("strategy") == "Session":
            model["routing"]["session"] = {**session, "header": _HEADER}
        if profile != "Classic":
            model.get("routing", {}).get("session", {}).pop("fallbackReplicas", None)
        if profile == "Throughput":
            model.get("lora", {}).pop("adapters", None)
            for field in ("ingress", "aliases"):
                model.pop(field, None)
            if model.get("routing", {}).get("strategy") in ("PowerOfTwo", "PrefixCacheAffinity"):
                model["routing"] = {"strategy": "RoundRobin"}


def _try_kv_aware(spec: Spec) -> None:
    """A plain model alone may be routed by KV events."""
    (model,) = spec["models"]
    plain = not {"task", "preset", "disaggregation", "ingress", "aliases", "lora"} & model.keys()
    engine = model.get("engine", {})
    if plain and engine.get("type") != "Simulated" and model.get("parallelism", {}).get("data", 1) == 1:
        engine.pop("prefixCaching", None)
        model["routing"] = {"strategy": "KVAware"}
        spec["performance"] = {"profile": "Throughput"}
        spec.setdefault("ray", {})["image"] = "registry.example/dynamo:1"


def _fixed(scaling: dict[str, Any] | None) -> dict[str, Any]:
    return {"minReplicas": (scaling or {}).get("minReplicas", 1) or 1}


def _repair_scheduling(spec: Spec) -> None:
    """Kueue's pods are of a fixed number, of 7 kinds at most."""
    scheduling = spec.get("scheduling", {})
    if scheduling.get("gang") is None:
        scheduling.pop("gangQueue", None)
    elif scheduling["gang"] == "KAI":
        scheduling.setdefault("gangQueue", "default")
    if len(scheduling.get("priorityClassName", "")) > 63:
        scheduling["priorityClassName"] = "high"
    if "queueName" not in scheduling:
        return
    spec["models"] = spec["models"][:1]
    for model in spec["models"]:
        model["scaling"] = _fixed(model.get("scaling"))
        for half in ("prefill", "decode"):
            role = model.get("disaggregation", {}).get(half, {})
            if "scaling" in role:
                role["scaling"] = _fixed(role["scaling"])
    for application in spec.get("applications", ()):
        for deployment in application["deployments"]:
            deployment.pop("scaling", None)


def _repair_rollout(spec: Spec) -> None:
    """Strategy Incremental and its numbers, in the time that there is."""
    rollout = spec.get("rollout", {})
    if rollout.get("strategy") != "Incremental" or "queueName" in spec.get("scheduling", {}):
        rollout.pop("incremental", None)
        if rollout.get("strategy") == "Incremental":
            rollout["strategy"] = "Auto"
        return
    numbers = rollout.setdefault("incremental", {})
    surge = max(10, numbers.get("maxSurgePercent", 100))
    step = min(surge, max(10, numbers.get("stepSizePercent", 10)))
    rollout["incremental"] = {
        "gatewayClassName": "istio",
        "stepSizePercent": step,
        "intervalSeconds": 1,
        "maxSurgePercent": surge,
    }
    rollout["progressDeadlineSeconds"] = max(101, rollout.get("progressDeadlineSeconds", 0))


@st.composite
def _specs(draw: st.DrawFn) -> Spec:
    spec: Spec = draw(values(_SCHEMA, ("spec",), frozenset({"models", "applications"})))
    names = draw(st.permutations(_NAMES))
    spec["models"] = draw(st.lists(models(), min_size=draw(st.sampled_from([1, 1, 1, 0])), max_size=2))
    if not spec["models"] or draw(st.integers(0, 3)) == 0:
        spec["applications"] = draw(st.lists(applications(), min_size=1, max_size=2))
    for i, application in enumerate(spec.get("applications", ())):
        application["name"] = names.pop()
        if draw(st.booleans()):
            application["routePrefix"] = draw(st.sampled_from([f"/app{i}", f"/x{i}/y.z~", *(["/"] if i == 0 else [])]))
    for model in spec["models"]:
        model["name"] = names.pop()
    if len(spec["models"]) == 1 and draw(st.integers(0, 3)) == 0:
        _try_kv_aware(spec)
    _name_aliases(spec)
    _repair_scheduling(spec)
    _repair_rollout(spec)
    _repair_routing(spec)
    _repair_ray(spec)
    return spec


specs: st.SearchStrategy[Spec] = _specs()
