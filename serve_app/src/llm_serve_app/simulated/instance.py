"""An instance of a JSON schema: what structured output and tool calls answer with.

Deterministic. Covers what structured output is used with: types, properties, required, items, enum, const, bounds of
numbers, strings and lists, formats, patterns in part, anyOf/oneOf/allOf, local $ref. Optional properties are given too.
"""

import math
from collections.abc import Mapping
from typing import Any

FORMATS = {
    "date": "2026-01-01",
    "time": "12:00:00Z",
    "date-time": "2026-01-01T12:00:00Z",
    "email": "user@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "duration": "P1D",
}
WORD = "simulated"


class UnsupportedSchema(ValueError):
    """No instance can be made of this schema; the message names the place and the keyword."""


def instance(schema: Mapping[str, Any] | bool) -> Any:
    """A value that validates against the schema. Raises UnsupportedSchema."""
    return _Maker(schema if isinstance(schema, Mapping) else {}).value(schema, "#")


class _Maker:
    """Makes values of one schema. A reference that is being made already is refused: that is where recursion ends."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._open: list[str] = []

    def value(self, schema: Any, path: str) -> Any:
        if schema is True or schema == {}:
            return WORD
        flat, references = self._flat(schema, path, [])
        self._open.extend(references)
        try:
            return self._branch(flat, path)
        finally:
            del self._open[len(self._open) - len(references) :]

    def _branch(self, schema: dict[str, Any], path: str) -> Any:
        """Of the branches of anyOf or oneOf the first that can be made, null last."""
        for keyword in ("anyOf", "oneOf"):
            if keyword not in schema:
                continue
            rest = {key: value for key, value in schema.items() if key != keyword}
            refusal = UnsupportedSchema(f"{path}.{keyword}: has no branch")
            for branch in sorted(schema[keyword], key=_is_null):
                try:
                    return self.value({"allOf": [branch, rest]}, path)
                except UnsupportedSchema as error:
                    refusal = error
            raise refusal
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, path)
        return self._array(schema, path) if kind == "array" else _scalar(schema, kind, path)

    def _flat(self, schema: Any, path: str, references: list[str]) -> tuple[dict[str, Any], list[str]]:
        """The schema with $ref and allOf merged in, and the references that this took."""
        if schema is True:
            return {}, references
        if not isinstance(schema, Mapping):
            raise UnsupportedSchema(f"{path}: no value satisfies the schema {schema!r}")
        flat = dict(schema)
        parts = list(flat.pop("allOf", []))
        reference = flat.pop("$ref", None)
        if reference is not None:
            if reference in self._open or reference in references:
                raise UnsupportedSchema(f"{path}.$ref: {reference!r} needs itself; recursion has to be optional")
            references.append(reference)
            parts.append(_resolve(reference, self._root, path))
        for part in parts:
            flat = _merged(self._flat(part, path, references)[0], flat)
        return flat, references

    def _object(self, schema: Mapping[str, Any], path: str) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = set(schema.get("required", []))
        made: dict[str, Any] = {}
        for name, child in properties.items():
            try:
                made[name] = self.value(child, f"{path}/properties/{name}")
            except UnsupportedSchema:
                if name in required:
                    raise  # an optional property that cannot be made is left out
        for name in sorted(required - set(properties)):
            made[name] = self.value(schema.get("additionalProperties", {}), f"{path}/{name}")
        return made

    def _array(self, schema: Mapping[str, Any], path: str) -> list[Any]:
        prefix = [self.value(child, f"{path}/prefixItems") for child in schema.get("prefixItems", [])]
        least = int(schema.get("minItems", 0))
        count = min(max(least, 1), int(schema.get("maxItems", max(least, 1))))
        items = schema.get("items", {})
        if len(prefix) >= count or items is False:
            return prefix
        try:
            made = [self.value(items, f"{path}/items") for _ in range(count - len(prefix))]
        except UnsupportedSchema:
            if len(prefix) < least:
                raise
            return prefix
        return prefix + (_distinct(made, items, path) if schema.get("uniqueItems") and len(made) > 1 else made)


def _merged(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    """Both schemas in one; of a keyword that both have, the outer one's value, but all properties and required names."""
    merged = {**inner, **outer}
    if "properties" in inner:
        merged["properties"] = {**inner["properties"], **outer.get("properties", {})}
    if "required" in inner:
        merged["required"] = [*inner["required"], *outer.get("required", [])]
    return merged


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _resolve(reference: Any, root: Mapping[str, Any], path: str) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise UnsupportedSchema(f"{path}.$ref: only references inside the schema (#/$defs/...) are possible")
    found: Any = root
    for part in reference.lstrip("#").strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if key and (not isinstance(found, Mapping) or key not in found):
            raise UnsupportedSchema(f"{path}.$ref: {reference!r} is not in the schema")
        found = found[key] if key else found
    return found


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    for keyword, implied in (
        ("properties", "object"),
        ("items", "array"),
        ("minimum", "number"),
        ("required", "object"),
    ):
        if keyword in schema:
            return implied
    return "string"


def _distinct(made: list[Any], items: Any, path: str) -> list[Any]:
    enum = items.get("enum") if isinstance(items, Mapping) else None
    if enum:
        made = list(enum[: len(made)])
    elif isinstance(made[0], str):
        made = [f"{value}{index}" for index, value in enumerate(made)]
    elif isinstance(made[0], int | float) and not isinstance(made[0], bool):
        made = [value + index for index, value in enumerate(made)]
    else:
        raise UnsupportedSchema(f"{path}: uniqueItems with more than one item is possible for text and numbers only")
    return made


def _scalar(schema: Mapping[str, Any], kind: str, path: str) -> Any:
    if kind == "string":
        return _string(schema, path)
    if kind in ("integer", "number"):
        return _number(schema, kind, path)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    raise UnsupportedSchema(f"{path}.type: {kind!r} is no JSON type")


def _string(schema: Mapping[str, Any], path: str) -> str:
    if "pattern" in schema:
        raise UnsupportedSchema(f"{path}.pattern: the simulated engine makes no text from a regular expression")
    text = FORMATS.get(schema.get("format", ""), WORD)
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    text = text if len(text) >= least else (text * (least // len(text) + 1))[:least]
    return text if most is None else text[: int(most)]


def _number(schema: Mapping[str, Any], kind: str, path: str) -> float | int:
    step = schema.get("multipleOf") or (1 if kind == "integer" else 0)
    bounds = [schema[key] for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if key in schema]
    candidates = [1, 0, *bounds, *(bound + 1 for bound in bounds), *(bound - 1 for bound in bounds)]
    candidates += [sum(bounds) / len(bounds)] if bounds else []
    if step:
        candidates += [near(value / step) * step for value in [1, *bounds] for near in (math.ceil, math.floor)]
        candidates += [value + sign * step for value in candidates[-2 * len(bounds) - 2 :] for sign in (1, -1)]
    for value in candidates:
        if _fits(value, schema, step):
            return int(value) if kind == "integer" else value
    raise UnsupportedSchema(f"{path}: found no {kind} for {dict(schema)}")


def _fits(value: float, schema: Mapping[str, Any], step: float) -> bool:
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and (not step or (value / step).is_integer())
    )
