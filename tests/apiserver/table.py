"""refused.yaml: wrong LLMDeployments and what the API server says of each, word for word.

Rows without `change` are those of tests/unit/api/test_validation.py, which holds what the operator says of the same object.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from builders import llm
from golden.case import put
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.validation import validate
from llm_operator.plan.resolve import resolve
from llm_operator.render.text import to_yaml
from unit.api.test_validation import WRONG

FILE: Final = Path(__file__).with_name("refused.yaml")
_HEAD: Final = (
    "# Wrong objects. `change`: pointers set in the smallest LLMDeployment; without it the row is the one of that name in\n"
    "# tests/unit/api/test_validation.py. `said`: what the API server says; [] if only the operator can see the mistake.\n"
    "# `said` is written by `pytest tests/apiserver --update`: read the difference as a user would.\n"
)
_SHARED: Final = {name: made.object() for name, made, _ in WRONG}


@dataclass(frozen=True, slots=True)
class Row:
    """One wrong object."""

    name: str
    document: dict[str, Any]
    said: list[str]

    def __str__(self) -> str:
        return self.name


def _document(entry: dict[str, Any]) -> dict[str, Any]:
    if "change" not in entry:
        return copy.deepcopy(_SHARED[entry["name"]])
    document = llm("x").object()
    for pointer, value in entry["change"].items():
        put(document, pointer, value)
    return document


def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return entries


def rows() -> list[Row]:
    """All of them."""
    return [Row(entry["name"], _document(entry), entry["said"]) for entry in _entries()]


def missing() -> set[str]:
    """Rows of the unit tests that are not in the file."""
    return _SHARED.keys() - {entry["name"] for entry in _entries() if "change" not in entry}


def write(said: dict[str, list[str]]) -> None:
    """Write the file anew, with new answers for the rows in `said`, and with the unit tests' rows that were missing."""
    entries = [{"name": name, "said": []} for name in _SHARED if name in missing()] + _entries()
    FILE.write_text(_HEAD + to_yaml([{**entry, "said": said.get(entry["name"], entry["said"])} for entry in entries]))


def operator_errors(document: dict[str, Any]) -> dict[str, str]:
    """What the operator's own validation says of an object: path → message; {} when it finds nothing wrong."""
    name, namespace = document["metadata"]["name"], document["metadata"].get("namespace", "llm")
    try:
        resolve(validate(name, document.get("spec")), name=name, namespace=namespace, uid="u", routes={})
    except InvalidSpec as invalid:
        return {error.path: error.message for error in invalid.errors}
    return {}
