"""In which order tests are tried on a mutant, what the end of a child means, and what is reported."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mutation.mutants import Mutant
from mutation.parts import PACKAGE
from mutation.report import by_package, document, summary, table, told
from mutation.swap import Functions
from mutation.trial import BUDGET_SECONDS, Fate, Trial, _fate

CLOCK = PACKAGE / "rollout" / "clock.py"
MUTANT = Mutant(CLOCK, 0, CLOCK.read_text(encoding="utf-8").replace("max(0.0,", "max(1.0,"), (24, 24), (19, 24))


@pytest.fixture(scope="module")
def functions() -> Functions:
    return Functions()


@pytest.fixture
def trial(functions: Functions, tmp_path: Path) -> Trial:
    session: Any = SimpleNamespace(items=[])
    return Trial(session, functions, tmp_path)


def test_special_tests_come_first_and_one_of_each_function_early(trial: Trial) -> None:
    reached = {"t.py::a[1]": 0.1, "t.py::a[2]": 0.1, "t.py::b": 0.1, "t.py::special": 2.0}
    seconds = {"t.py::a[1]": 0.1, "t.py::a[2]": 0.2, "t.py::b": 0.3, "t.py::special": 0.4}
    assert trial._order(MUTANT, reached, seconds) == ["t.py::special", "t.py::a[1]", "t.py::b", "t.py::a[2]"]


def test_what_has_killed_others_of_the_file_comes_before_all(trial: Trial) -> None:
    trial._kills[CLOCK, "t.py::b"] = 2
    trial._kills[PACKAGE / "sync.py", "t.py::a"] = 9
    reached = {"t.py::a": 0.0, "t.py::b": 0.0, "t.py::c": 1.0}
    assert trial._order(MUTANT, reached, dict.fromkeys(reached, 0.1)) == ["t.py::b", "t.py::c", "t.py::a"]


def test_what_does_not_fit_the_budget_is_left_out(trial: Trial) -> None:
    reached = {"t.py::a": 3.0, "t.py::b": 2.0, "t.py::c": 1.0}
    seconds = {"t.py::a": BUDGET_SECONDS, "t.py::b": 0.1, "t.py::c": 0.1}
    assert trial._order(MUTANT, reached, seconds) == ["t.py::b", "t.py::c"]
    dear = {"t.py::a": BUDGET_SECONDS + 2, "t.py::b": BUDGET_SECONDS + 1}
    assert trial._order(MUTANT, dict.fromkeys(dear, 0.0), dear) == ["t.py::b"], "one is always tried"


def test_without_tests_it_survives(trial: Trial) -> None:
    assert trial.fate(MUTANT, {}, {}) == Fate(MUTANT, "survived", "", 0)


def _loops() -> int:
    while True:
        pass


def _fills_the_memory() -> int:
    held: list[bytes] = []
    while True:
        held.append(bytes(2**28))


@pytest.mark.parametrize(
    ("work", "fate"),
    [
        (lambda: 0, "survived"),
        (lambda: 1, "killed"),
        (_loops, "timed_out"),
        (_fills_the_memory, "killed"),
        (lambda: sys.exit(0), "killed"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "killed"),
    ],
    ids=["passes", "fails", "never ends", "fills the memory", "leaves", "crashes"],
)
def test_the_end_of_a_child(trial: Trial, work: Any, fate: str) -> None:
    assert _fate(trial.child(work, cpu_seconds=1)) == fate


FATES = {
    "apply": [Fate(MUTANT, "killed", "t", 3), Fate(MUTANT, "survived", "", 3)],
    "plan": [Fate(MUTANT, "timed_out", "", 1), Fate(MUTANT, "survived", "", 0)],
}


def test_report() -> None:
    assert {part: set(rows) for part, rows in by_package(FATES).items()} == {"apply": {"rollout"}, "plan": {"rollout"}}
    assert summary(FATES) == "apply 50.0% of 2 killed, plan 50.0% of 2 killed"
    assert "APPLY                           2       1         0         1   50.0%  9.5% to 90.5%" in table(FATES)
    assert told(FATES["plan"][1]).startswith("operator/src/llm_operator/rollout/clock.py:24-24: no test gets here\n@@")
    found = document(FATES, {"seed": 7})
    assert (found["seed"], found["scores"]["plan"]["all"]["timed_out"]) == (7, 1)
    assert [each["fate"] for each in found["mutants"]] == ["killed", "survived", "timed_out", "survived"]
