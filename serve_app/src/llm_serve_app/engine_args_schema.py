"""A Python type as a flat JSON Schema: `int | list[str] | None` -> {"type": ["array", "integer", "null"], "items": …}.

pydantic reads the type (Literals, enums, vLLM's configuration classes with their bounds); alternatives are then merged
into one object without anyOf and $ref. Keys that may appear: type, enum, items, properties, additionalProperties,
minimum, maximum, exclusiveMinimum, exclusiveMaximum.
"""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]

_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_UNREADABLE: Final = (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError)


class _ByName(GenerateJsonSchema):
    """vLLM's registries of backends are enums whose values are class paths (or None); users write their names."""

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        members = schema["members"]
        if any(not isinstance(member.value, str | int) or "." in str(member.value) for member in members):
            return {"type": "string", "enum": list(schema["cls"].__members__)}
        return super().enum_schema(schema)


def describe(hint: Any) -> Schema:
    """The flat schema of a type. `type` is empty where any value may stand (a type that JSON cannot say)."""
    try:
        schema = TypeAdapter(hint).json_schema(schema_generator=_ByName)
    except _UNREADABLE:
        if typing.get_origin(hint) not in (typing.Union, types.UnionType):
            return {"type": []}
        parts = [describe(part) for part in typing.get_args(hint)]
        return _merge([part for part in parts if part["type"]])
    return _flat(schema, schema.get("$defs", {}))


def describe_fields(cls: type[Any], leave_out: Callable[[str], bool]) -> Schema:
    """A dataclass field by field, for those that hold types which pydantic cannot describe as a whole."""
    hints = typing.get_type_hints(cls, include_extras=True)
    names = [field.name for field in dataclasses.fields(cls) if field.init and not leave_out(field.name)]
    fields = {name: describe(hints[name]) | bounds(cls, name) for name in names}
    return {"type": ["object"], "properties": fields, "additionalProperties": False}


def _flat(schema: Schema, defs: dict[str, Schema]) -> Schema:
    if "$ref" in schema:
        return _flat(defs[schema["$ref"].rsplit("/", 1)[-1]], defs)
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return _flat(schema["allOf"][0], defs)
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return _merge([_flat(part, defs) for part in alternatives])
    flat: Schema = {"type": [schema["type"]] if "type" in schema else []}
    if "const" in schema:
        flat["enum"] = [schema["const"]]
    if "enum" in schema:
        flat["enum"] = list(schema["enum"])
    flat |= {key: schema[key] for key in _BOUNDS if key in schema}
    if "items" in schema:
        flat["items"] = _flat(schema["items"], defs)
    if "prefixItems" in schema:
        flat["items"] = _merge([_flat(part, defs) for part in schema["prefixItems"]])
    if "properties" in schema:
        flat["properties"] = {key: _flat(value, defs) for key, value in schema["properties"].items() if key[0] != "_"}
    if "additionalProperties" in schema:
        more = schema["additionalProperties"]
        flat["additionalProperties"] = _flat(more, defs) if isinstance(more, dict) else more
    return flat


def _merge(parts: list[Schema]) -> Schema:
    """One schema that accepts what any of the parts does; a part that says nothing makes the whole say nothing."""
    if any(not part["type"] for part in parts):
        return {"type": []}
    merged: Schema = {"type": sorted({kind for part in parts for kind in part["type"]})}
    real = [part for part in parts if part["type"] != ["null"]]
    if all("enum" in part for part in real):
        merged["enum"] = list(dict.fromkeys(value for part in real for value in part["enum"]))
        if "null" in merged["type"]:
            merged["enum"].append(None)
    for key in ("items", "properties", "additionalProperties", *_BOUNDS):
        holders = [part[key] for part in real if key in part]
        if len(holders) == 1:
            merged[key] = holders[0]
    return merged


def bounds(cls: type[Any], name: str) -> Schema:
    """The bounds that a configuration class of vLLM declares for its field."""
    info = getattr(cls, "__pydantic_fields__", {}).get(name)
    found: Schema = {}
    keys = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    for constraint in getattr(info, "metadata", ()):
        found |= {keys[key]: getattr(constraint, key) for key in keys if getattr(constraint, key, None) is not None}
    return found


def plain(value: Any) -> tuple[bool, Any]:
    """Is it data (then as JSON would hold it), or an object of Python?"""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return True, value
    if isinstance(value, list | tuple | set | frozenset):
        items = [plain(item) for item in value]
        return all(found for found, _ in items), sorted((item for _, item in items), key=str) if isinstance(
            value, set | frozenset
        ) else [item for _, item in items]
    if isinstance(value, dict):
        return all(plain(item)[0] for item in value.values()), value
    return False, None
