"""Python types of vLLM's arguments as flat JSON Schemas; no vLLM needed."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import field
from typing import Annotated, Any, Literal

import pytest
from llm_serve_app.engine_args import first_sentence
from llm_serve_app.engine_args_schema import bounds, describe, describe_fields, plain
from pydantic import Field
from pydantic.dataclasses import dataclass


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 1


class Backend(enum.Enum):
    FLASH = "package.module.Flash"
    CUSTOM = None


@dataclass
class Config:
    size: int = Field(default=1, gt=0, le=9)
    share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    mode: Literal["a", "b"] | None = None
    backend: Backend | None = None
    names: list[str] = field(default_factory=list)


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (bool, {"type": ["boolean"]}),
        (int | None, {"type": ["integer", "null"]}),
        (bool | str | None, {"type": ["boolean", "null", "string"]}),
        (str | list[str] | None, {"type": ["array", "null", "string"], "items": {"type": ["string"]}}),
        (set[str], {"type": ["array"], "items": {"type": ["string"]}}),
        (Literal["a", "b"], {"type": ["string"], "enum": ["a", "b"]}),
        (Literal["a", "b"] | None, {"type": ["null", "string"], "enum": ["a", "b", None]}),
        (Literal["a", "b"] | str, {"type": ["string"]}),
        (Level, {"type": ["integer"], "enum": [0, 1]}),
        (Backend, {"type": ["string"], "enum": ["FLASH", "CUSTOM"]}),
        (dict[str, Any], {"type": ["object"], "additionalProperties": True}),
        (
            dict[str, int | dict[str, int]],
            {
                "type": ["object"],
                "additionalProperties": {"type": ["integer", "object"], "additionalProperties": {"type": ["integer"]}},
            },
        ),
        (type[object], {"type": []}),
        (dict[str, Any] | Callable[[Any], Any], {"type": ["object"], "additionalProperties": True}),
    ],
)
def test_types(hint: Any, schema: dict[str, Any]) -> None:
    assert describe(hint) == schema


CONFIG = {
    "size": {"type": ["integer"], "exclusiveMinimum": 0, "maximum": 9},
    "share": {"type": ["number"], "minimum": 0, "exclusiveMaximum": 1},
    "mode": {"type": ["null", "string"], "enum": ["a", "b", None]},
    "backend": {"type": ["null", "string"], "enum": ["FLASH", "CUSTOM", None]},
    "names": {"type": ["array"], "items": {"type": ["string"]}},
}


def test_a_configuration_class_with_bounds() -> None:
    assert describe(Config)["properties"] == CONFIG
    assert bounds(Config, "size") == {"exclusiveMinimum": 0, "maximum": 9}
    assert bounds(Config, "names") == bounds(int, "size") == {}


def test_field_by_field_without_some() -> None:
    made = describe_fields(Config, lambda name: name == "names")
    assert made["additionalProperties"] is False
    assert made["properties"] == {name: schema for name, schema in CONFIG.items() if name != "names"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Level.HIGH, (True, 1)),
        ({"b", "a"}, (True, ["a", "b"])),
        ((1, 2), (True, [1, 2])),
        ({"a": object()}, (False, None)),
        ([object()], (False, None)),
        (object(), (False, None)),
        (None, (True, None)),
    ],
)
def test_defaults_that_are_data(value: Any, found: tuple[bool, Any]) -> None:
    is_data, data = plain(value)
    assert is_data == found[0]
    assert not is_data or data == found[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("The seed. More of it.", "The seed"),
        ("Sizes, e.g. Small ones. More.", "Sizes, e.g. Small ones"),
        ("Modes of it:\n\n- one\n- two", "Modes of it"),
        ("Over\nseveral   lines", "Over several lines"),
        ("word " * 100, "word " * 31 + "…"),
    ],
)
def test_one_line_of_help(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence.strip()
    assert len(first_sentence(text)) <= 160
