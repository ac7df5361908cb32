"""The table behind "What happens when...": whole, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from generate.situations import page, rows
from llm_operator.api.conditions import Reason

ROOT = Path(__file__).resolve().parents[3]
# Reasons that say that all is well, or how requests travel.
FINE = frozenset({
    Reason.VALID, Reason.APPLIED, Reason.APPLY_PENDING, Reason.SERVING, Reason.CREATING, Reason.DEPLOYING, Reason.WARMING_UP,
    Reason.AS_EXPECTED, Reason.DIRECT_STREAMING, Reason.CLASSIC_INGRESS, Reason.RAY_TOO_OLD, Reason.INGRESS_IS_SCALED,
    Reason.ALIASES_NEED_INGRESS, Reason.ROUTING_NEEDS_INGRESS,
})  # fmt: skip
# Not proved by a test yet, said in the page.
UNPROVED = {"F34"}


def test_every_reason_that_means_trouble_has_a_row() -> None:
    told = {reason for row in rows() for reason in row.get("reasons", ())}
    assert {reason.value for reason in Reason} - told - {reason.value for reason in FINE} == set()


def test_every_failure_mode_has_a_row() -> None:
    assert {code for row in rows() for code in row.get("codes", ())} == {f"F{n}" for n in range(1, 41)}


def test_only_these_have_no_test() -> None:
    bare = [row for row in rows() if not row["tests"]]
    assert {code for row in bare for code in row.get("codes", ("none",))} == UNPROVED


@pytest.mark.parametrize("test", sorted({test for row in rows() for test in row["tests"]}))
def test_the_test_is_there(test: str) -> None:
    file, _, function = test.partition("::")
    path = ROOT / file
    assert path.exists(), f"{file} is not there"
    if function:
        assert re.search(rf"^(async )?def {re.escape(function)}\(", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_page_names_every_reason_of_the_table() -> None:
    text = page()
    assert [reason for row in rows() for reason in row.get("reasons", ()) if f"`{reason}`" not in text] == []
