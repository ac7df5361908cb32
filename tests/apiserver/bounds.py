"""Every bound of the schema, broken once: made from the schema itself, so that a new field is covered when it is written."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from apiserver import table
from builders import llm
from golden.case import CASES, Case
from llm_operator.api.crd import Schema, spec_schema

# Not even a text that would do as one: the API server never converts.
_WRONG_TYPE: Final = {"string": 7, "integer": "7", "number": "0.5", "boolean": "true", "array": "x", "object": "x"}
_REMOVED: Final = object()
_SIMULATION: Final = {
    "timeToFirstTokenMs": 1, "timePerOutputTokenMs": 1, "outputTokens": 1, "failureRate": 0.5, "stallRate": 0.5,
    "startupSeconds": 1, "seed": 1,
}  # fmt: skip
_REST: Final = (
    llm("rest")
    .model(engine={"type": "Simulated", "simulation": _SIMULATION})
    .with_("spec.ray", {"image": "i", "autoscaler": {"idleTimeoutSeconds": 60, "upscalingMode": "Default"}})
    .with_("spec.applications", [{
        "name": "b", "importPath": "shop:app", "deployments": [{"name": "Main", "maxQueuedRequests": 5}],
    }])
)  # fmt: skip

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """An object that is right but for one field."""

    field: str
    how: str
    document: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.field} {self.how}"


def spelled(path: Path) -> str:
    """`("spec", "models", 0)` → `spec.models[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def documents() -> list[dict[str, Any]]:
    """The golden cases' objects, one with very many fields first, and what none of them sets. Together they set every field."""
    names = [
        "create-every-field",
        *sorted(folder.name for folder in CASES.iterdir() if (folder / "case.yaml").exists()),
    ]
    found = [Case(CASES / name) for name in names]
    return [*(case.parent(case.raw["spec"], 1, None) for case in found), _REST.object()]


def kind(path: str, node: Schema) -> str:
    """What is the same part of the schema wherever it stands (the scaling of a model and of a half): name and content."""
    return f"{path.rpartition('.')[2]} {json.dumps(node, sort_keys=True)}"


def schema_kinds(node: Schema, path: str = "spec") -> Iterator[tuple[str, str]]:
    """(path, kind) of all fields of the schema; items as `[]`, values of maps as `.*`."""
    yield path, kind(path, node)
    for name, child in node.get("properties", {}).items():
        yield from schema_kinds(child, f"{path}.{name}")
    for key, tail in (("items", "[]"), ("additionalProperties", ".*")):
        if key in node:
            yield from schema_kinds(node[key], f"{path}{tail}")


def fields(
    node: Schema, value: Any, path: Path = ("spec",), general: str = "spec"
) -> Iterator[tuple[str, Path, Schema, Any]]:
    """Each field that is set: its path in the schema, its path in the object, its schema and its value."""
    yield general, path, node, value
    for name, child in node.get("properties", {}).items():
        if name in value:
            yield from fields(child, value[name], (*path, name), f"{general}.{name}")
    if "items" in node:
        for i, item in enumerate(value):
            yield from fields(node["items"], item, (*path, i), f"{general}[]")
    if "additionalProperties" in node:
        for name, item in value.items():
            yield from fields(node["additionalProperties"], item, (*path, name), f"{general}.*")


def _numbers(node: Schema) -> Iterator[tuple[str, Any]]:
    if "minimum" in node:
        yield "below the minimum", node["minimum"] - (0 if node.get("exclusiveMinimum") else 1)
    if "maximum" in node:
        yield "above the maximum", node["maximum"] + 1


def _values(node: Schema, value: Any) -> Iterator[tuple[str, Any]]:
    """Values that this schema does not allow."""
    if "type" in node:
        yield "of another type", _WRONG_TYPE[node["type"]]
    if "enum" in node:
        yield "not in the list", "nonsense"
    if "maxLength" in node:
        yield "too long", "a" * (node["maxLength"] + 1)
    if "pattern" in node:
        yield "not of the pattern", " "
    if "maxItems" in node:
        yield "too many items", [value[0]] * (node["maxItems"] + 1)
    if "minItems" in node:
        yield "too few items", []
    if "maxProperties" in node:
        names = [f"k{i}" for i in range(node["maxProperties"] + 1)]
        yield "too many entries", dict.fromkeys(names, next(iter(value.values())))
    yield from _numbers(node)


def _changes(node: Schema, path: Path, value: Any) -> Iterator[tuple[Path, str, Any]]:
    yield from ((path, how, wrong) for how, wrong in _values(node, value))
    yield from (((*path, name), "missing", _REMOVED) for name in node.get("required", ()))
    if "properties" in node:
        yield (*path, "nonsense"), "unknown", 1


def _changed(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    node: Any = made
    for part in path[:-1]:
        node = node[part]
    if value is _REMOVED:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return made


def _new(document: dict[str, Any], seen: set[str]) -> list[tuple[Path, Schema, Any]]:
    """Fields of kinds that no earlier object had."""
    found: dict[str, tuple[Path, Schema, Any]] = {}
    for general, path, node, value in fields(spec_schema(), document["spec"]):
        found.setdefault(kind(general, node), (path, node, value))
    return [entry for name, entry in found.items() if name not in seen]


def kinds_of(document: dict[str, Any]) -> set[str]:
    """Of all fields that it sets."""
    return {kind(general, node) for general, _, node, _ in fields(spec_schema(), document["spec"])}


def right(document: dict[str, Any]) -> bool:
    """A starting point that is wrong itself would prove nothing."""
    return table.operator_errors(document, table.PERMISSIVE) == {}


def starting_points() -> list[tuple[dict[str, Any], list[tuple[Path, Schema, Any]]]]:
    """Right objects, each with the fields whose kind it is the first to set."""
    seen: set[str] = set()
    made = []
    for document in documents():
        fresh = _new(document, seen)
        if fresh and right(document):
            made.append((document, fresh))
            seen |= kinds_of(document)
    return made


def broken() -> list[Broken]:
    """Every constraint of every kind of field, broken in the first right object that sets it."""
    return [
        Broken(spelled(where), how, _changed(document, where, wrong))
        for document, fresh in starting_points()
        for path, node, value in fresh
        for where, how, wrong in _changes(node, path, value)
    ]
