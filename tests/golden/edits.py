"""For each field of the spec two values, and the right spec around them: what test_costs.py renders before and after.

Where nothing is said here, the values come from the field's own schema.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Final

from llm_operator.api.crd import Schema, spec_schema

ABSENT: Final = object()
Spec = dict[str, Any]

_KEY: Final = {"name": "a", "key": "k"}
_MODEL: Final = "spec.models[]"
_APP: Final = "spec.applications[]"
_GPU: Final = {"type": "H100", "count": 8}
_BUCKET: Final = {f"{_MODEL}.source.uri": "s3://bucket/model"}
_LOOKUP: Final = {f"{_MODEL}.engine.speculative": {"method": "ngram", "tokens": 2}}
_DRAFT: Final = {f"{_MODEL}.engine.speculative": {"method": "draft_model", "tokens": 2, "model": "hf://a/draft"}}
# Open at golden.case.NOW, a Friday's first minute: what it says is in force.
_WINDOW: Final = {"name": "w", "days": ["Thu"], "start": "22:00", "end": "04:00", "minReplicas": 2, "maxReplicas": 6}
_TAINT: Final = {"key": "a", "operator": "Equal", "value": "v", "effect": "NoExecute"}


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one field. `around`: other fields, set before and after; `said`: words of the field's description that
    say when its cost is another than the declared one."""

    path: str
    before: Any
    after: Any
    around: Spec = field(default_factory=dict)
    said: str = ""

    def __str__(self) -> str:
        shown = ("" if value is ABSENT else str(value) for value in (self.before, self.after))
        return f"{self.path}: {' -> '.join(shown)}"


def base() -> Spec:
    """One model of two GPUs in pods of eight, on the fast path, with an image that has everything."""
    model = {"name": "m", "source": {"uri": "hf://a/b"}, "accelerators": [dict(_GPU)], "parallelism": {"tensor": 2}}
    return {"ray": {"image": "img:1"}, "models": [model]}


# What must stand around a field (of this prefix) for it to be right, or to have an effect.
_AROUND: Final[dict[str, Spec]] = {
    f"{_MODEL}.source.tokenSecretRef": {f"{_MODEL}.source.tokenSecretRef": _KEY},
    f"{_MODEL}.source.s3": {
        **_BUCKET,
        f"{_MODEL}.source.s3": {"region": "r", **dict.fromkeys(("accessKeyIdSecretRef", "secretAccessKeySecretRef"), _KEY)},
    },
    f"{_MODEL}.source.s3.sessionTokenSecretRef": {f"{_MODEL}.source.s3.sessionTokenSecretRef": _KEY},
    f"{_MODEL}.source.gcs": {
        f"{_MODEL}.source.uri": "gs://bucket/model", f"{_MODEL}.source.gcs": {"credentialsSecretRef": _KEY}
    },
    f"{_MODEL}.source.azure": {
        f"{_MODEL}.source.uri": "abfss://c@account.dfs.core.windows.net/model",
        f"{_MODEL}.source.azure": dict.fromkeys(("tenantIdSecretRef", "clientIdSecretRef", "clientSecretSecretRef"), _KEY),
    },
    f"{_MODEL}.source.streaming": {**_BUCKET, f"{_MODEL}.source.streaming": {"concurrency": 4}},
    f"{_MODEL}.engine.chatTemplate.configMapKeyRef": {f"{_MODEL}.engine.chatTemplate.configMapKeyRef": _KEY},
    f"{_MODEL}.engine.multimodal": {f"{_MODEL}.engine.multimodal": {"minPixels": 2, "maxPixels": 1000}},
    f"{_MODEL}.engine.structuredOutput": {f"{_MODEL}.engine.structuredOutput": {"backend": "xgrammar"}},
    f"{_MODEL}.engine.speculative": _DRAFT,
    f"{_MODEL}.engine.speculative.promptLookup": _LOOKUP,
    f"{_MODEL}.engine.simulation": {f"{_MODEL}.engine.type": "Simulated", f"{_MODEL}.engine.simulation": {"seed": 5}},
    f"{_MODEL}.engine.env[]": {f"{_MODEL}.engine.env": [{"name": "A", "value": "1"}]},
    f"{_MODEL}.engine.env[].secretKeyRef": {f"{_MODEL}.engine.env": [{"name": "A", "secretKeyRef": _KEY}]},
    f"{_MODEL}.health.tokenProgress": {f"{_MODEL}.health.tokenProgress": {"stallSeconds": 60}},
    f"{_MODEL}.kvCache.offload": {f"{_MODEL}.kvCache.offload": {"memory": "4Gi"}},
    f"{_MODEL}.accelerators[].topology": {
        f"{_MODEL}.accelerators": [{"type": "TPU-V5P", "topology": "4x4x8"}],
        f"{_MODEL}.parallelism": {"tensor": 16, "pipeline": 8},
    },
    f"{_MODEL}.accelerators[].share": {f"{_MODEL}.accelerators": [{"type": "H100"}], f"{_MODEL}.parallelism": {}},
    f"{_MODEL}.accelerators[].maxReplicas": {
        f"{_MODEL}.accelerators": [{**_GPU, "maxReplicas": 2}, dict(_GPU)], f"{_MODEL}.scaling": {"maxReplicas": 9}
    },
    f"{_MODEL}.resources.rdma": {f"{_MODEL}.resources.rdma": {"resourceName": "rdma/ib"}},
    f"{_MODEL}.cache.weights.pvc": {f"{_MODEL}.cache.weights": {"pvc": {"claimName": "c"}}},
    f"{_MODEL}.cache.weights.emptyDir": {f"{_MODEL}.cache.weights": {"emptyDir": {}}},
    f"{_MODEL}.cache.weights.hostPath": {f"{_MODEL}.cache.weights": {"hostPath": {"path": "/a"}}},
    f"{_MODEL}.cache.compiled.pvc": {f"{_MODEL}.cache.compiled": {"pvc": {"claimName": "c"}}},
    f"{_MODEL}.cache.compiled.emptyDir": {f"{_MODEL}.cache.compiled": {"emptyDir": {}}},
    f"{_MODEL}.cache.compiled.hostPath": {f"{_MODEL}.cache.compiled": {"hostPath": {"path": "/a"}}},
    f"{_MODEL}.ingress": {f"{_MODEL}.ingress": {"minReplicas": 1, "maxReplicas": 50}},
    f"{_MODEL}.lora": {f"{_MODEL}.lora": {"root": "s3://b/l"}},
    f"{_MODEL}.lora.adapters[]": {f"{_MODEL}.lora": {"root": "s3://b/l", "adapters": [{"name": "x", "aliases": ["y"]}]}},
    f"{_MODEL}.routing.prefixCacheAffinity": {
        f"{_MODEL}.routing": {
            "strategy": "PrefixCacheAffinity", "prefixCacheAffinity": {"evict": True, "evictionTargetChars": 1},
        }
    },
    f"{_MODEL}.routing.prefixCacheAffinity.evict": {f"{_MODEL}.routing.prefixCacheAffinity": {"matchRate": 0.5}},
    f"{_MODEL}.routing.session": {f"{_MODEL}.routing": {"strategy": "Session", "session": {"virtualNodes": 50}}},
    f"{_MODEL}.routing.session.fallbackReplicas": {"spec.performance.profile": "Classic"},
    f"{_MODEL}.disaggregation": {f"{_MODEL}.disaggregation": {"connector": "Nixl"}},
    "spec.rollout.incremental": {
        "spec.rollout.strategy": "Incremental",
        "spec.rollout.incremental": {"gatewayClassName": "istio", "stepSizePercent": 1, "intervalSeconds": 1},
    },
    "spec.ray.head.faultTolerance.redis": {
        "spec.ray.head.faultTolerance.redis": {"address": "redis:6379", "passwordSecretRef": _KEY}
    },
    "spec.scheduling.topologySpread[]": {"spec.scheduling.topologySpread": [{"topologyKey": "zone"}]},
    "spec.scheduling.gangQueue": {"spec.scheduling.gang": "Volcano"},
    _APP: {
        _APP: [{
            "name": "app", "importPath": "shop:build", "workers": {"resources": {"cpu": "8"}},
            "deployments": [{"name": "Main"}, {"name": "Other"}],
        }]
    },
    f"{_APP}.env[]": {f"{_APP}.env": [{"name": "A", "value": "1"}]},
    f"{_APP}.env[].secretKeyRef": {f"{_APP}.env": [{"name": "A", "secretKeyRef": _KEY}]},
    f"{_APP}.workers.accelerators[]": {
        f"{_APP}.workers.accelerators": [dict(_GPU)], f"{_APP}.deployments[].actor": {"gpu": 1}
    },
    f"{_APP}.workers.resources.rdma": {f"{_APP}.workers.resources.rdma": {"resourceName": "rdma/ib"}},
    f"{_APP}.deployments[].actor.gpu": {f"{_APP}.workers.accelerators": [dict(_GPU)]},
    f"{_APP}.deployments[].scaling": {f"{_APP}.deployments[].scaling": {"minReplicas": 1, "maxReplicas": 8}},
}  # fmt: skip

# Values that the schema does not give; the same for this tail of a path wherever it stands.
_VALUES: Final[dict[str, tuple[Any, Any]]] = {
    "models[].name": ("m", "n"), "applications[].name": ("app", "other"), "deployments[].name": ("Main", "Third"),
    "aliases[]": (["a1"], ["a1", "a2"]),
    "task": ("Generate", "Embed"), "preset": ("qwen3", "hermes"),
    "source.uri": ("hf://a/b", "hf://a/c"), "revision": ("main", "v2"),
    "s3.endpoint": ("http://a:9000", "http://b:9000"), "s3.region": ("r1", "r2"),
    "image": ("img:2", "img:3"), "quantization": ("awq", "fp8"), "kvCacheDtype": ("auto", "fp8"),
    "toolCallParser": ("hermes", "openai"), "reasoningParser": ("qwen3", "deepseek_r1"),
    "inline": ("{{ a }}", "{{ b }}"), "defaultKwargs": ({"a": 1}, {"a": 2}),
    "limitPerPrompt.image": (1, 2), "allowedMediaDomains[]": (["a.example"], ["b.example"]),
    "disableAnyWhitespace": (False, True), "method": ("draft_model", "eagle3"), "speculative.model": ("hf://a/d", "hf://a/e"),
    "draftTensor": (1, 2), "engine.args": ({"seed": 1}, {"seed": 2}), "applications[].args": ({"a": 1}, {"a": 2}),
    "env[].name": ("A", "B"), "env[].value": ("1", "2"),
    "offload.memory": ("4Gi", "8Gi"), "memoryLimit": ("1Gi", "2Gi"), "sizeLimit": ("1Gi", "2Gi"),
    "cpu": ("4", "6"), "actor.cpu": (1, 2), "actor.gpu": (1, 2), "actor.memory": ("1Gi", "2Gi"),
    "memory": ("64Gi", "128Gi"), "ephemeralStorage": ("1Gi", "2Gi"), "sharedMemory": ("1Gi", "2Gi"),
    "accelerators[].type": ("H100", "H200"), "accelerators[].count": (8, 4), "share": (0.5, 0.25), "topology": ("4x4x8", "4x8x4"),
    "accelerators[].maxReplicas": (4, 8), "nodeSelector": ({"a": "b"}, {"a": "c"}), "runtimeClassName": ("nvidia", "other"),
    "accelerators[].resourceName": ("nvidia.com/gpu.shared", "example.com/gpu"),
    "tolerations[].value": ("v", "w"), "tolerations[].key": ("a", "b"),
    "tensor": (2, 4), "pipeline": (1, 2), "data": (1, 2), "rdma.resourceName": ("rdma/ib", "rdma/eth"),
    "root": ("s3://b/l", "s3://b/m"), "adapters[].name": ("x", "z"), "adapters[].aliases[]": (["y"], ["z"]),
    "header": ("X-A", "X-B"), "strategy": ("PowerOfTwo", "RoundRobin"), "connector": ("Nixl", "LMCache"),
    "priorityClassName": ("high", "low"), "topologyKey": ("zone", "host"), "queueName": ("a", "b"), "gangQueue": ("a", "b"),
    "claimName": ("c", "d"), "subPath": ("a", "b"), "hostPath.path": ("/a", "/b"),
    "importPath": ("shop:build", "shop:other"), "routePrefix": ("/a", "/b"), "userConfig": ({"a": 1}, {"a": 2}),
    "scaling.maxReplicas": (8, 9), "maxOngoingRequests": (100, 200), "operator": ("Equal", "Exists"), "ingress.maxReplicas": (50, 60),
    "lookBackSeconds": (30, 60),
    "schedules[].name": ("w", "x"), "timeZone": ("UTC", "Europe/Berlin"), "days[]": (["Thu"], ["Mon"]),
    "start": ("22:00", "01:00"), "end": ("04:00", "05:00"),
    "disruptionBudget": ("Protect", "None"), "redis.address": ("redis:6379", "redis:6380"), "redis.username": ("a", "b"),
    "deletionPolicy": ("Delete", "Orphan"),
    "version": ("2.60.0", "2.60.1"), "profile": ("Auto", "Classic"), "secretKeyRef.name": ("a", "b"), "Ref.name": ("a", "b"),
    "Ref.key": ("k", "l"),
    "gatewayClassName": ("istio", "envoy"), "restartedAt": ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    # A change of nothing but the operator's own behaviour, or of everything: test_costs.py.
    "paused": (False, True), "suspend": (False, True),
}  # fmt: skip


def _between(schema: Schema) -> tuple[Any, Any]:
    """Two values that the schema allows; neither is the default."""
    if "enum" in schema:
        return schema["enum"][0], schema["enum"][1]
    low, high = schema["minimum"], schema["maximum"]
    if schema["type"] == "number":
        return low + (high - low) / 4, low + (high - low) / 2
    return min(low + 3, high - 1), min(low + 4, high)


def values(path: str, schema: Schema) -> tuple[Any, Any]:
    """Raises KeyError where neither this table nor the schema has any."""
    tails = (tail for tail in _VALUES if f".{path}".endswith(tail if tail.startswith("Ref.") else f".{tail}"))
    found = max(tails, key=len, default=None)
    if found is not None:
        return _VALUES[found]
    if schema.get("type") == "boolean":
        return False, True
    return _between(schema)


def _nested(path: str) -> Spec:
    """The same for parts that stand in several places of the spec."""
    found: Spec = {}
    scaling, _, window = path.partition(".schedules[]")
    if window:
        found |= {f"{scaling}.minReplicas": 1, f"{scaling}.maxReplicas": 8, f"{scaling}.schedules": [_WINDOW]}
    if path.endswith("initialReplicas"):
        found[path.replace("initialReplicas", "maxReplicas")] = 8
    if path.endswith("scaleToZero.idleSeconds"):
        found[f"{path.rpartition('.scaleToZero')[0]}.minReplicas"] = 0
    tainted, _, toleration = path.partition(".tolerations[]")
    if toleration:
        compared = toleration != ".operator"  # Exists compares no value
        found[f"{tainted}.tolerations"] = [{name: text for name, text in _TAINT.items() if compared or name != "value"}]
    return found


def around(path: str) -> Spec:
    """Everything that must stand there, the outer before the inner."""
    found: Spec = {}
    for prefix in sorted((prefix for prefix in _AROUND if f"{path}.".startswith(_closed(prefix))), key=len):
        found |= _AROUND[prefix]
    for half in (f"{_MODEL}.disaggregation.prefill", f"{_MODEL}.disaggregation.decode"):
        if path.startswith(f"{half}.accelerators"):
            found[f"{half}.accelerators"] = [dict(_GPU)]
        if path.startswith(f"{half}.resources.rdma"):
            found[f"{half}.resources.rdma"] = {"resourceName": "rdma/ib"}
    return found | _nested(path)


def _closed(prefix: str) -> str:
    """Whole names only, but for those that end in the middle of one on purpose."""
    return prefix if prefix.endswith("promptLookup") else f"{prefix}."


def put(spec: Spec, path: str, value: Any) -> None:
    """Set `spec.models[].name` and the like in the first item; what is missing on the way is made."""
    node: Any = {"spec": spec}
    parts = path.removesuffix("[]").split(".")
    for part in parts[:-1]:
        node = node.setdefault(part[:-2], [{}])[0] if part.endswith("[]") else node.setdefault(part, {})
    if value is ABSENT:
        node.pop(parts[-1], None)
    else:
        node[parts[-1]] = copy.deepcopy(value)


def spec_with(edit: Edit, value: Any) -> Spec:
    """The whole spec with one value of the field."""
    spec = base()
    for path, there in {**around(edit.path), **edit.around}.items():
        put(spec, path, there)
    put(spec, edit.path, value)
    return spec


def leaves(node: Schema | None = None, path: str = "spec") -> dict[str, Schema]:
    """Fields that hold values, not fields; spelled as in api/costs.py."""
    found: dict[str, Schema] = {}
    for name, child in (node or spec_schema()).get("properties", {}).items():
        here = f"{path}.{name}" + ("[]" if child.get("type") == "array" else "")
        inner = child.get("items", child)
        found |= leaves(inner, here) if "properties" in inner else {here: child}
    return found
