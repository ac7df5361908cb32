"""Values of a schema node: every field may be there or not; texts follow their pattern, or are whatever a person might send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st
from llm_operator.plan import presets
from llm_operator.plan.engine_args import FIELDS, known, parsers, registry
from llm_operator.plan.engine_args_refused import REFUSED

Schema = dict[str, Any]
Drawn = st.SearchStrategy[Any]

_MOST_FIELDS: Final = 5
"""Of one object, beside those that are required: specs stay small enough to be drawn and read."""


class Free(str):
    """A text that the API does not restrict: it must reach the pods as one value, whatever stands in it."""

    __slots__ = ()


HOSTILE: Final = (
    "", "x", "$(id)", "`id`", "a: b\n- c", '"}], "command": ["sh"], "x": [{"', "--privileged", "' || true #", "\u2028\u0085",
    "command", "null", "{{ x }}", "${HOME}", "<%= x %>", "0x1F", "no", "\\u0000", "serveConfigV2: |",
)  # fmt: skip
free: st.SearchStrategy[str] = (st.sampled_from(HOSTILE) | st.text(max_size=8)).map(Free)

json_values: Drawn = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
free_json: Drawn = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | free,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=4,
)
json_maps: Drawn = st.dictionaries(st.sampled_from(["a", "b_c", "Split"]), free_json, max_size=2)

_ARGUMENTS: Final[dict[str, Drawn]] = {
    "seed": st.integers(0, 9),
    "enable-eplb": st.booleans(),
    "performance_mode": st.sampled_from(["balanced", "throughput"]),
    "max-logprobs": st.integers(-1, 20),
    "watermark": st.floats(0, 0.5),
    "cudagraph_capture_sizes": st.none() | st.lists(st.integers(1, 8), max_size=3),
    "response_role": free,
    "override_generation_config": json_maps,
}
assert {name.replace("-", "_") for name in _ARGUMENTS} <= known() - REFUSED.keys() - FIELDS.keys()

_OBJECTS: Final = st.sampled_from(["a", "my-secret", "x.y"])
_SECRET_KEY: Final = st.fixed_dictionaries({"name": _OBJECTS, "key": st.sampled_from(["token", "a.b"])})
_VARIABLE: Final = st.sampled_from(["A", "B_C", "_x"]).flatmap(
    lambda name: (
        st.fixed_dictionaries({"name": st.just(name), "value": free})
        | st.fixed_dictionaries({"name": st.just(name), "secretKeyRef": _SECRET_KEY})
    )
)
_NAMED: Final[dict[str, Drawn]] = {
    # The last part of the path, or the last two.
    "args": st.fixed_dictionaries({}, optional=_ARGUMENTS),
    "userConfig": json_maps,
    "defaultKwargs": st.dictionaries(st.sampled_from(["enable_thinking", "x"]), free_json, max_size=2),
    "inline": free.map(lambda text: Free("{{ messages }}" + text)),
    "env": st.lists(_VARIABLE, max_size=2, unique_by=lambda variable: str(variable["name"])),
    "cpu": st.sampled_from(["500m", "2", 3, "1.5", "64"]),
    "actor.cpu": st.sampled_from([0, 0.1, 1, 2]),
    "memory": st.sampled_from(["16Gi", "64000Mi", "100G"]),
    "offload.memory": st.sampled_from(["1Gi", "1.5Gi"]),
    "actor.memory": st.sampled_from(["128Mi", "1Gi"]),
    "sharedMemory": st.sampled_from(["64Mi", "1M"]),
    "ephemeralStorage": st.sampled_from(["10Gi", "1T"]),
    "sizeLimit": st.sampled_from(["10Gi", "1T"]),
    "memoryLimit": st.sampled_from(["1Gi", "0.5G"]),
    "timeZone": st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"]),
    "preset": st.sampled_from(presets.names()),
    "quantization": st.sampled_from(registry("quantizationMethods")),
    "kvCacheDtype": st.sampled_from(registry("kvCacheDtypes")),
    "toolCallParser": st.sampled_from(parsers("tool")),
    "reasoningParser": st.sampled_from(parsers("reasoning")),
    "rdma.resourceName": st.sampled_from(["rdma/ib", "vpc.amazonaws.com/efa"]),
    "key": st.sampled_from(["token", "a.b"]),
    "limitPerPrompt.image": st.integers(0, 4),
    "image": st.sampled_from(["img:1", "r.example/a@sha256:" + "0" * 64]),
    "allowedMediaDomains": st.lists(st.sampled_from(["a.example", "b.example"]), max_size=2, unique=True),
}  # fmt: skip


def _text(schema: Schema) -> Drawn:
    if "pattern" not in schema:
        return free
    most: int = schema["maxLength"]
    pattern: str = schema["pattern"]
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= most and "\n" not in text)


def _unique_by(schema: Schema) -> Callable[[Any], str] | None:
    """What no two items of a list have in common."""
    match schema.get("x-kubernetes-list-type"):
        case "map":
            (key,) = schema["x-kubernetes-list-map-keys"]
            return lambda item: str(item[key])
        case "set":
            return str
    return None


def _array(schema: Schema, path: tuple[str, ...]) -> Drawn:
    return st.lists(
        values(schema["items"], path),
        min_size=schema.get("minItems", 0),
        max_size=min(2, schema["maxItems"]),
        unique_by=_unique_by(schema),
    )


@st.composite
def _object(draw: st.DrawFn, schema: Schema, path: tuple[str, ...], without: frozenset[str]) -> dict[str, Any]:
    fields = {name: child for name, child in schema["properties"].items() if name not in without}
    required = [name for name in schema.get("required", ()) if name in fields]
    optional = [name for name in fields if name not in required]
    wanted = draw(st.lists(st.sampled_from(optional), max_size=_MOST_FIELDS, unique=True)) if optional else []
    return {name: draw(values(fields[name], (*path, name))) for name in (*required, *wanted)}


def _number(schema: Schema) -> Drawn:
    low, high = schema["minimum"], schema["maximum"]
    if schema["type"] == "integer":
        return st.integers(low, min(high, low + 20)) | st.just(high)
    return st.floats(
        low, high, exclude_min=schema.get("exclusiveMinimum", False), exclude_max=schema.get("exclusiveMaximum", False)
    )


_made: dict[tuple[tuple[str, ...], frozenset[str]], Drawn] = {}


def values(schema: Schema, path: tuple[str, ...], without: frozenset[str] = frozenset()) -> Drawn:
    """`path`: names of the fields around it, its own last, and so of one schema only; `without`: fields of this object that
    are never drawn."""
    key = (path, without)
    if key not in _made:
        _made[key] = _values(schema, path, without)
    return _made[key]


def _values(schema: Schema, path: tuple[str, ...], without: frozenset[str]) -> Drawn:
    for tail in (".".join(path[-2:]), path[-1]):
        if tail in _NAMED:
            return _NAMED[tail]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            return _object(schema, path, without)
        case "object":
            keys = st.sampled_from(["pool", "a.b/c"])
            return st.dictionaries(keys, values(schema["additionalProperties"], path), max_size=2)
        case "array":
            return _array(schema, path)
        case "boolean":
            return st.booleans()
        case "integer" | "number":
            return _number(schema)
        case "string":
            return _text(schema)
    raise NotImplementedError(f"{'.'.join(path)}: no values for {schema}: add it to _NAMED")
