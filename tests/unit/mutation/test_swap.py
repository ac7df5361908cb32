"""A mutant in a running process, tried in children so that this process stays as it is."""

import os
from collections.abc import Callable
from functools import cached_property

import pytest
from llm_operator.plan import schedules
from llm_operator.rollout.clock import until
from llm_operator.status.diagnosis import rules_memory
from llm_operator.status.diagnosis.evidence import Subject
from mutation.mutants import File, Mutant
from mutation.parts import PACKAGE
from mutation.swap import Functions

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:00:07Z"


class Slow:
    """Holds a result, as golden cases do."""

    @cached_property
    def result(self) -> object:
        return object()


HELD = Slow()
SOMEWHERE = Subject("model", "chat", "spec.models[0]", {})


@pytest.fixture(scope="module")
def functions() -> Functions:
    return Functions()


def _mutant(path: str, change: str) -> Mutant:
    file = File(PACKAGE / path)
    every = (file.mutant(number) for number in range(len(file)))
    return next(mutant for mutant in every if mutant is not None and f"+{change}" in mutant.diff().replace(" ", ""))


def _in_child(work: Callable[[], bool]) -> bool:
    if (pid := os.fork()) == 0:
        code = 2
        try:
            code = int(work())
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, 1)
    return bool(code)


def test_whoever_has_imported_it_calls_the_mutant(functions: Functions) -> None:
    mutant = _mutant("rollout/clock.py", "returnmax(1.0,(second-first)")

    def becomes() -> bool:
        return functions.put(mutant) == 1 and (until(EARLY, EARLY), until(EARLY, LATE)) == (1.0, 7.0)

    assert _in_child(becomes)
    assert until(EARLY, EARLY) == 0.0


def test_closures_that_were_made_at_import_change_too(functions: Functions) -> None:
    mutant = _mutant("status/diagnosis/rule.py", "known=None")
    full = next(
        rule
        for rule in rules_memory.RULES
        if "raise {path}" not in rule.pattern.pattern and "28" in rule.pattern.pattern
    )
    found = full.pattern.search("No space left on device")
    assert found is not None

    def becomes() -> bool:
        functions.put(mutant)
        try:
            full.explain(found, SOMEWHERE)
        except TypeError:
            return True
        return False

    assert full.explain(found, SOMEWHERE)
    assert _in_child(becomes)


def test_results_from_before_the_mutant_are_forgotten(functions: Functions) -> None:
    before, held = schedules.time_zones(), HELD.result
    functions.forget()
    assert schedules.time_zones() is not before
    assert HELD.result is held
    functions.forget_all()
    assert HELD.result is not held
