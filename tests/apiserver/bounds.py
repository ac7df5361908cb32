"""Every bound of the schema, broken once: made from the schema itself, so that a new field is covered when it is written."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from golden.case import CASES, Case
from llm_operator.api.crd import Schema, spec_schema

# Not even a text that would do as one: the API server never converts.
_WRONG_TYPE: Final = {"string": 7, "integer": "7", "number": "0.5", "boolean": "true", "array": "x", "object": "x"}
_REMOVED: Final = object()

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


def everything() -> dict[str, Any]:
    """An object in which every field is set."""
    return dict(Case(CASES / "create-every-field").steps[0].scope.parent)


def schema_paths(node: Schema, path: str = "spec") -> Iterator[str]:
    """All fields of the schema, items as `[]`, values of maps as `.*`."""
    yield path
    for name, child in node.get("properties", {}).items():
        yield from schema_paths(child, f"{path}.{name}")
    if "items" in node:
        yield from schema_paths(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from schema_paths(node["additionalProperties"], f"{path}.*")


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


def broken() -> list[Broken]:
    """Every constraint of every field, broken in the first place where the field is set."""
    document, seen, made = everything(), set[str](), []
    for general, path, node, value in fields(spec_schema(), document["spec"]):
        if general not in seen:
            seen.add(general)
            for where, how, wrong in _changes(node, path, value):
                made.append(Broken(spelled(where), how, _changed(document, where, wrong)))
    return made
