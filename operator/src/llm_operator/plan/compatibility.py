"""What works on the fast path: the rows of plan/data/compatibility-*.yaml, typed. Tests: tests/unit/plan/test_fast_path.py."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import yaml

from llm_operator.api.conditions import Reason
from llm_operator.plan.pods import Pairs

RAY_VERSION: Final = "2.60.0"
"""The version of Ray that the table was made from, and the oldest that it holds for."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One row."""

    name: str
    works: Literal["Yes", "WithEnv", "No"]
    note: str
    source: str
    """File of Ray that decides it."""
    env: Pairs = ()
    """With WithEnv: variables of head and workers."""
    reason: Reason | None = None
    """With No: the reason of condition FastPath."""
    change: str = ""
    """With No: what to change so that the fast path is on."""


@dataclass(frozen=True, slots=True)
class Compatibility:
    """The whole table."""

    env: Pairs
    """What switches the fast path on."""
    features: dict[str, Feature]


def _pairs(env: dict[str, str]) -> Pairs:
    return tuple(sorted(env.items()))


def _feature(row: dict[str, Any]) -> Feature:
    fields = {**row, "name": row["feature"], "env": _pairs(row.get("env", {}))}
    if "reason" in row:
        fields["reason"] = Reason(row["reason"])
    del fields["feature"]
    return Feature(**fields)


@cache
def compatibility() -> Compatibility:
    """Raises on a row that says nothing or too much: the tests load it."""
    text = resources.files("llm_operator.plan").joinpath(f"data/compatibility-{RAY_VERSION}.yaml").read_text("utf-8")
    table = yaml.safe_load(text)
    features = [_feature(row) for row in table["features"]]
    return Compatibility(_pairs(table["env"]), {feature.name: feature for feature in features})
