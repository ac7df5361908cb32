"""hypothesis strategies: valid specs made from the CRD's own schema, and any JSON."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from llm_operator.api.crd import spec_schema
from llm_operator.api.rules.models import RESERVED_NAMES
from llm_operator.plan.engine_args import REFUSED, known

Schema = dict[str, Any]

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

_ENGINE_ARGS = ["block_size", "enforce-eager", "seed", "max-num-batched-tokens"]
_FIXED: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["llm", "qwen3-8b", "llama-3.1-8b", "a", "x" * 40]),
    "uri": st.sampled_from(["hf://Qwen/Qwen3-8B", "file:///models/demo", "hf://a/b"]),
    "aliases": st.lists(st.sampled_from(["gpt-4o", "Qwen/Qwen3-8B"]), max_size=2, unique=True),
    "revision": st.sampled_from(["main", "0" * 40, "refs/pr/1"]),
    "key": st.sampled_from(["token", "a.b"]),
    "env": st.just([]) | st.just([{"name": "A", "value": "$(B) \"'{}\n"}, {"name": "B", "secretKeyRef": {"name": "s", "key": "k"}}]),
    "args": st.dictionaries(st.sampled_from(_ENGINE_ARGS), st.integers() | st.booleans() | st.text(max_size=3), max_size=2),
    "tolerations": st.lists(
        st.sampled_from([{"operator": "Exists"}, {"key": "a", "value": "b"}, {"key": "a", "effect": "NoExecute", "tolerationSeconds": 1}]),
        max_size=2,
    ),
    "nodeSelector": st.dictionaries(st.sampled_from(["pool", "a.b/c"]), st.sampled_from(["", "x"]), max_size=2),
    "runtimeClassName": st.just("nvidia"),
    "resourceName": st.just("nvidia.com/mig-1g.5gb"),
    "image": st.sampled_from(["img:1", "r.example/a@sha256:" + "0" * 64]),
    "cpu": st.sampled_from(["500m", "2", "1.5", "64"]),
    "memory": st.sampled_from(["2Gi", "512Mi", "100G"]),
    "sharedMemory": st.sampled_from(["64Mi", "1M"]),
    "version": st.just("2.60.0"),
}  # fmt: skip


def _strategy(schema: Schema, name: str) -> st.SearchStrategy[Any]:
    if name in _FIXED:
        return _FIXED[name]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    if kind == "object":
        fields = {key: _strategy(child, key) for key, child in schema["properties"].items()}
        required = set(schema.get("required", ()))
        return st.fixed_dictionaries(
            {key: value for key, value in fields.items() if key in required},
            optional={key: value for key, value in fields.items() if key not in required},
        )
    if kind == "array":
        return st.lists(
            _strategy(schema["items"], name + "[]"),
            min_size=schema.get("minItems", 0),
            max_size=min(3, schema["maxItems"]),
        )
    if kind == "integer":
        return st.integers(schema["minimum"], min(schema["maximum"], schema["minimum"] + 20)) | st.just(
            schema["maximum"]
        )
    if kind == "number":
        return st.floats(schema["minimum"], schema["maximum"], exclude_min=schema.get("exclusiveMinimum", False))
    if kind == "boolean":
        return st.booleans()
    raise NotImplementedError(f"{name}: no strategy for {schema}: add it to _FIXED")


def _repair_hardware(model: dict[str, Any]) -> None:
    accelerator = model["accelerators"][0]
    if accelerator["type"] == "CPU":
        accelerator.pop("resourceName", None)
        accelerator.pop("count", None)
        model.pop("parallelism", None)
        model.get("engine", {}).pop("gpuMemoryUtilization", None)
    elif accelerator.get("count", 1) % model.get("parallelism", {}).get("tensor", 1):
        accelerator["count"] = model["parallelism"]["tensor"]


def _repair_model(model: dict[str, Any], name: str) -> None:
    """What the cross-field rules ask for; everything else stays as drawn."""
    model["name"] = name
    if not model["source"]["uri"].startswith("hf://"):
        model["source"] = {"uri": model["source"]["uri"]}
    _repair_hardware(model)
    scaling = model.get("scaling", {})
    if scaling.get("maxReplicas", 1000) < scaling.get("minReplicas", 1):
        scaling["maxReplicas"] = scaling["minReplicas"]
    if scaling.get("maxOngoingRequests", 1_000_000) < scaling.get("targetOngoingRequests", 64):
        scaling["maxOngoingRequests"] = scaling.get("targetOngoingRequests", 64)


def _repair(spec: dict[str, Any]) -> dict[str, Any]:
    for i, model in enumerate(spec["models"]):
        _repair_model(model, model["name"] if i == 0 else f"m{i}")
        if i > 0 or "image" not in spec.get("ray", {}):
            model.pop("aliases", None)
    return spec


assert not set(RESERVED_NAMES) & {"llm", "a"}
assert {name.replace("-", "_") for name in _ENGINE_ARGS} <= known() - REFUSED.keys()

specs: st.SearchStrategy[dict[str, Any]] = _strategy(spec_schema(), "spec").map(_repair)
