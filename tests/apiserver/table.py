"""refused.yaml: wrong LLMDeployments and what the API server says of each, word for word.

Rows without `change` are those of the unit tests' tables, which hold what the operator says of the same object.
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
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy
from llm_operator.plan.resolve import resolve
from llm_operator.render.text import to_yaml
from unit.api import test_validation, test_validation_rollout
from unit.plan import test_applications_refused, test_engine_refused, test_placement_refused

FILE: Final = Path(__file__).with_name("refused.yaml")
_HEAD: Final = (
    "# Wrong objects. `change`: pointers set in the smallest LLMDeployment; without it the row is the one of that name in\n"
    "# tests/unit/api/test_validation*.py or, behind its area, in tests/unit/plan/test_AREA_refused.py. `said`: what the API\n"
    "# server says; [] if only the operator can see the mistake. It is written by `pytest tests/apiserver --update`: read the\n"
    "# difference as a user would.\n"
)


PERMISSIVE: Final = Policy(
    allow_host_path=True, allow_remote_code=True, application_import_paths=("llm_serve_app", "shop")
)


def _shared() -> dict[str, dict[str, Any]]:
    """Name of a row → object, of all tables of the unit tests."""
    made = {name: wrong.object() for name, wrong, _ in (*test_validation.WRONG, *test_validation_rollout.WRONG)}
    for area, table in (("engine", test_engine_refused.WRONG), ("placement", test_placement_refused.WRONG)):
        made |= {f"{area}: {name}": wrong.object() for name, wrong, _ in table}
    for name, application, _ in test_applications_refused.WRONG:
        spec = {"applications": [application], "ray": test_applications_refused.IMAGE}
        made[f"application: {name}"] = {**llm("x").object(), "spec": spec}
    return made


_SHARED: Final = _shared()


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
    known = [entry for entry in _entries() if "change" in entry or entry["name"] in _SHARED]
    new = [{"name": name, "said": []} for name in _SHARED.keys() - {entry["name"] for entry in known}]
    return [Row(entry["name"], _document(entry), entry["said"]) for entry in [*known, *sorted(new, key=str)]]


def missing() -> set[str]:
    """Rows of the unit tests that are not in the file, and rows of the file that the unit tests no longer have."""
    return _SHARED.keys() ^ {entry["name"] for entry in _entries() if "change" not in entry}


def write(said: dict[str, list[str]]) -> None:
    """Write the file anew, with new answers for the rows in `said`, and with the unit tests' rows that were missing."""
    own = [entry for entry in _entries() if "change" in entry]
    known = {entry["name"]: entry["said"] for entry in _entries()}
    entries = [{"name": name, "said": known.get(name, [])} for name in _SHARED] + own
    FILE.write_text(_HEAD + to_yaml([{**entry, "said": said.get(entry["name"], entry["said"])} for entry in entries]))


def operator_errors(document: dict[str, Any], policy: Policy = DEFAULT_POLICY) -> dict[str, str]:
    """What the operator's own validation says of an object: path → message; {} when it finds nothing wrong."""
    name, namespace = document["metadata"]["name"], document["metadata"].get("namespace", "llm")
    try:
        spec = validate(name, document.get("spec"))
        resolve(spec, name=name, namespace=namespace, uid="u", routes={}, now=test_validation.NOW, policy=policy)
    except InvalidSpec as invalid:
        return {error.path: error.message for error in invalid.errors}
    return {}
