"""Does a value fit a flat JSON Schema (of an engine argument, of an application's settings)? If not: where, and a sentence for people.

The subset that `llm_serve_app.engine_args_schema` and tests/generate/applications.py write: type (a list; empty = anything),
enum, items, properties, additionalProperties, required, minProperties, minimum, maximum, exclusiveMinimum, exclusiveMaximum.
"""

import json
import operator
from typing import Any, Final

from llm_operator.api.errors import did_you_mean

Schema = dict[str, Any]
Problem = tuple[str, str]
"""Path below the value (`.backend`, `[2]`, or empty), and the message."""

_WORDS: Final = {
    "array": "a list", "boolean": "true or false", "integer": "an integer", "null": "null", "number": "a number",
    "object": "a map", "string": "a string",
}  # fmt: skip
_ITEMS: Final = {
    "array": "lists", "boolean": "booleans", "integer": "integers", "number": "numbers", "object": "maps", "string": "strings",
}  # fmt: skip
_BOUNDS: Final = (
    ("minimum", operator.lt, "must be at least"),
    ("exclusiveMinimum", operator.le, "must be above"),
    ("maximum", operator.gt, "must be at most"),
    ("exclusiveMaximum", operator.ge, "must be below"),
)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    known = {"array": list, "integer": int, "null": type(None), "number": int | float, "object": dict, "string": str}
    return kind in known and isinstance(value, known[kind])


def _expected(schema: Schema) -> str:
    kinds = [kind for kind in schema["type"] if kind != "null"]
    words = [
        f"a list of {' or '.join(_ITEMS[item] for item in schema['items']['type'] if item in _ITEMS)}"
        if kind == "array" and schema.get("items", {}).get("type")
        else _WORDS[kind]
        for kind in kinds
    ]
    return " or ".join(words) or "null"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 48 else f"{text[:44]} …"


def _unquoted(value: Any, schema: Schema) -> str:
    """A number or truth value that was written in quotes is a common mistake in YAML."""
    if not isinstance(value, str):
        return ""
    try:
        plain = json.loads(value)
    except ValueError:
        return ""
    fits = not isinstance(plain, str) and any(_is(plain, kind) for kind in schema["type"])
    return " (without the quotes)" if fits else ""


def _choice(value: Any, enum: list[Any]) -> str:
    known = [str(choice) for choice in enum if choice not in (None, "")]
    by_fold = {choice.casefold(): choice for choice in known}
    near = did_you_mean(str(value).casefold(), by_fold)
    for fold, choice in by_fold.items():
        near = near.replace(f'"{fold}"', f'"{choice}"')
    return f"unknown value {_shown(value)}; {near or 'one of ' + ', '.join(sorted(known))}"


def problem(schema: Schema, value: Any, where: str = "") -> Problem | None:
    """The first mistake, or None."""
    if schema["type"] and not any(_is(value, kind) for kind in schema["type"]):
        return where, f"must be {_expected(schema)}, not {_shown(value)}{_unquoted(value, schema)}"
    if "enum" in schema and value not in schema["enum"]:
        return where, _choice(value, schema["enum"])
    if isinstance(value, int | float) and not isinstance(value, bool):
        for key, outside, words in _BOUNDS:
            if key in schema and outside(value, schema[key]):
                return where, f"{words} {schema[key]}, not {value}"
    if isinstance(value, list):
        return _items(schema, value, where)
    return _entries(schema, value, where) if isinstance(value, dict) else None


def _items(schema: Schema, value: list[Any], where: str) -> Problem | None:
    inner = schema.get("items", {"type": []})
    return next((found for i, item in enumerate(value) if (found := problem(inner, item, f"{where}[{i}]"))), None)


def _entries(schema: Schema, value: dict[str, Any], where: str) -> Problem | None:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    if missing := [key for key in schema.get("required", ()) if key not in value]:
        return f"{where}.{missing[0]}", "required"
    if len(value) < schema.get("minProperties", 0):
        return where, f"must have at least {schema['minProperties']} entries, not {len(value)}"
    for key, item in value.items():
        here = f"{where}.{key}"
        if key not in known and more is False:
            hint = did_you_mean(key, known) or f"known fields: {', '.join(sorted(known))}"
            return here, f"unknown field; {hint}"
        inner = known.get(key, more)
        if isinstance(inner, dict) and (found := problem(inner, item, here)) is not None:
            return found
    return None
