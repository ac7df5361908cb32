from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_serve_app.simulated.instance import UnsupportedSchema, instance

NODE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}},
    "required": ["name"],
}
SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a", "b"]},
    {"type": "object", "required": ["free"], "additionalProperties": {"type": "number"}},
    {"enum": ["red", "blue"]},
    {"const": {"a": [1]}},
    {"type": ["null", "integer"], "minimum": 5},
    {"type": "string", "minLength": 20, "maxLength": 25},
    {"type": "string", "maxLength": 3},
    {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 2, "uniqueItems": True},
    {"type": "array", "maxItems": 0},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False, "minItems": 2},
    {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 7}]},
    {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
        ]
    },
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "integer", "minimum": 10, "multipleOf": 7},
    {"type": "integer", "maximum": -3},
    {"type": "integer", "exclusiveMinimum": 3, "maximum": 4},
    {"type": "number", "multipleOf": 0.5, "minimum": 2.25},
    {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
    {"type": "object", "properties": {"list": {"type": "array", "items": {"$ref": "#"}}}},
    {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
    {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                "required": ["next"],
            }
        },
    },
    {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}},
        "required": ["a", "b"],
        "$defs": {"x": {"type": "integer", "minimum": 4}},
    },
    {"properties": {"a": {"allOf": [{"$ref": "#/$defs/x"}], "maximum": 9}}, "$defs": {"x": {"type": "integer"}}},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "uuid"},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_the_instance_validates(schema: dict[str, Any]) -> None:
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(instance(schema))


BOUNDS = st.dictionaries(
    st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]), st.integers(-50, 50), max_size=2
)


@given(st.sampled_from(["integer", "number"]), BOUNDS, st.sampled_from([None, 1, 2, 5]))
def test_a_number_is_within_its_bounds_or_refused(kind: str, bounds: dict[str, int], step: int | None) -> None:
    schema = {"type": kind, **bounds, **({"multipleOf": step} if step else {})}
    validator = jsonschema.Draft202012Validator(schema)
    try:
        validator.validate(instance(schema))
    except UnsupportedSchema:
        assert not any(validator.is_valid(value) for value in range(-60, 61))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (False, "#: no value satisfies the schema False"),
        ({"type": "text"}, "#.type: 'text' is no JSON type"),
        ({"$ref": "https://example.com/x"}, "only references inside the schema"),
        ({"$ref": "#/$defs/none"}, "'#/$defs/none' is not in the schema"),
        ({"$ref": "#"}, "#.$ref: '#' needs itself"),
        ({"type": "string", "pattern": "^a+$"}, "#.pattern: the simulated engine makes no text from a regular"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "#: found no integer"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "'#' needs itself"),
        ({"anyOf": []}, "#.anyOf: has no branch"),
    ],
)
def test_what_cannot_be_made_is_refused(schema: Any, message: str) -> None:
    with pytest.raises(UnsupportedSchema) as caught:
        instance(schema)
    assert message in str(caught.value)
