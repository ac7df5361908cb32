"""What the API server refuses at `kubectl apply`, with the message that the user reads; the operator refuses it too."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Final

import pytest
from apiserver import table
from apiserver.server import DRY_RUN, STRICT, Server
from apiserver.table import Row
from llm_operator.api import rules
from llm_operator.api.rules.rule import Rule
from llm_operator.kube.resources import LLMDEPLOYMENTS

ROWS: Final = table.rows()
RULES: Final = {
    f"{part.name}.{name}": rule
    for part in pkgutil.iter_modules(rules.__path__)
    for name, rule in vars(importlib.import_module(f"{rules.__name__}.{part.name}")).items()
    if isinstance(rule, Rule)
}
_UNKNOWN: Final = 'LLMDeployment in version "v1alpha1" cannot be handled as a LLMDeployment: strict decoding error: unknown field "spec.'
each_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])


@pytest.fixture(scope="module")
def answers(pytestconfig: pytest.Config) -> Iterator[dict[str, list[str]]]:
    """Collects the answers; with --update they become the file."""
    seen: dict[str, list[str]] = {}
    yield seen
    if pytestconfig.getoption("update"):
        table.write(seen)


@each_row
def test_refused(
    server: Server, namespace: str, row: Row, answers: dict[str, list[str]], pytestconfig: pytest.Config
) -> None:
    """Checked as `kubectl apply` of a new object is, with fieldValidation=Strict, and never stored."""
    document = row.document
    document["metadata"] = {"name": document["metadata"]["name"], "namespace": namespace}
    answers[row.name] = server.create(LLMDEPLOYMENTS, document, DRY_RUN | STRICT).said
    if not pytestconfig.getoption("update"):
        assert answers[row.name] == row.said


@each_row
def test_the_operator_refuses_it_too(row: Row) -> None:
    """An object may be older than a rule, or be read from a file (`llm-operator render`)."""
    assert table.operator_errors(row.document)


def test_every_refusal_names_its_field() -> None:
    for row in ROWS:
        assert all(line.startswith(("spec.", "spec: ", "metadata.", _UNKNOWN)) for line in row.said), row.name


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_broken_by_a_row(name: str) -> None:
    said = "\n".join(line for row in ROWS for line in row.said)
    assert RULES[name].message in said


def test_the_table_is_whole() -> None:
    assert table.missing() == set(), "run `pytest tests/apiserver --update` and read what it wrote"
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert sum(bool(row.said) for row in ROWS) >= 150
    assert len(RULES) >= 40
