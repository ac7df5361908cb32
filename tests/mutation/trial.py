"""Tries mutants in children of a pytest that has collected its tests: a child becomes the mutant and runs the tests that reach it,
until one fails. Nothing is imported or collected again, and nothing is written into the work tree."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from math import ceil
from pathlib import Path
from typing import Final

import pytest
from mutation.mutants import Mutant
from mutation.swap import Functions

BUDGET_SECONDS: Final = 5.0
"""CPU of the tests that are tried on one mutant, by what they cost when they were measured. What is not killed by then has survived: that
counts some mutants as survived that a later test would have killed, never the other way round."""
_OVERHEAD_SECONDS: Final = 0.01
"""Of any test, so that one that takes no time is not infinitely cheap."""
TIMES: Final = 4
"""A mutant that takes so many times as long as the same tests did has timed out ..."""
AND_SECONDS: Final = 10
"""... and so much more. CPU, not wall clock: other load does not matter."""
MEMORY: Final = 4 * 2**30
"""Address space of a child in bytes: a mutant that fills the memory fails."""
_NO_MUTANT: Final = 71
"""Exit status of a child that could not become the mutant."""


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: `killed`, `timed_out` or `survived`; by which test, and how many were to be tried."""

    mutant: Mutant
    fate: str
    by: str
    tests: int


class _Failures:
    """Plugin of a child."""

    def __init__(self) -> None:
        self.tests: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of set-up and tear-down too."""
        if report.failed:
            self.tests.add(report.nodeid)


class Trial:
    """One per session; `told` is called after each mutant."""

    def __init__(self, session: pytest.Session, functions: Functions, folder: Path) -> None:
        self._session, self._functions, self._folder = session, functions, folder
        self._items = {item.nodeid: item for item in session.items}
        self._kills: Counter[tuple[Path, str]] = Counter()

    def child(self, work: Callable[[], int], cpu_seconds: int | None = None) -> int:
        """Runs `work` in a child without an output; its wait status. Nothing of the child comes back but files."""
        sys.stdout.flush()
        if pid := os.fork():
            return os.waitpid(pid, 0)[1]
        code = 70
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            if cpu_seconds is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            code = work()
        finally:
            os._exit(code)

    def run(self, items: Iterable[pytest.Item], *, stop: Callable[[], bool] = lambda: False) -> pytest.Item | None:
        """Runs tests in this process until `stop`; the last one that ran."""
        chosen = list(items)
        for item, after in zip(chosen, [*chosen[1:], None], strict=True):
            self._session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if stop():
                return item
        return None

    def fate(self, mutant: Mutant, reached: Mapping[str, float], seconds: Mapping[str, float]) -> Fate:
        """Tries one on the tests that reach it; `seconds`: what each costs."""
        tests = self._order(mutant, reached, seconds)
        killer = self._folder / "killer"
        killer.unlink(missing_ok=True)
        if not tests:
            return Fate(mutant, "survived", "", 0)
        allowed = ceil(TIMES * sum(seconds[test] for test in tests)) + AND_SECONDS
        status = self.child(lambda: self._mutant(mutant, tests, killer), allowed)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _NO_MUTANT:
            raise RuntimeError(f"cannot be swapped: {mutant.path}\n{mutant.diff()}")
        by = killer.read_text(encoding="utf-8") if killer.exists() else ""
        if by:
            self._kills[mutant.path, by] += 1
        return Fate(mutant, _fate(status), by, len(tests))

    def _order(self, mutant: Mutant, reached: Mapping[str, float], seconds: Mapping[str, float]) -> list[str]:
        """In turns: what has killed others of the file, the most special for its cost, one test of every function, the cheapest
        first. Those that the budget has room for, and the cheapest in any case."""
        turns: Counter[str] = Counter()
        turn: dict[str, int] = {}
        cheapest = sorted(reached, key=lambda test: (seconds[test], test))
        for test in cheapest:
            turns[test.partition("[")[0]] += 1
            turn[test] = turns[test.partition("[")[0]]
        orders = (
            [test for test in sorted(cheapest, key=self._known(mutant)) if self._kills[mutant.path, test]],
            sorted(cheapest, key=lambda test: -reached[test] / (seconds[test] + _OVERHEAD_SECONDS)),
            sorted(cheapest, key=lambda test: turn[test]),
        )
        tests = list(dict.fromkeys(test for each in zip_longest(*orders) for test in each if test is not None))
        left, chosen = BUDGET_SECONDS, []
        for test in tests:
            if seconds[test] <= left:
                left -= seconds[test]
                chosen.append(test)
        return chosen or cheapest[:1]

    def _known(self, mutant: Mutant) -> Callable[[str], int]:
        return lambda test: -self._kills[mutant.path, test]

    def false(self, fates: Iterable[Fate]) -> list[str]:
        """Control: those of the tests that killed mutants that fail without any."""
        killers = sorted({fate.by for fate in fates if fate.by})
        told = self._folder / "false"
        told.write_text("", encoding="utf-8")
        if self.child(lambda: self._control(killers, told)):
            raise RuntimeError("the control broke off")
        return told.read_text(encoding="utf-8").splitlines()

    def _control(self, killers: list[str], told: Path) -> int:
        """In the child."""
        failures = _Failures()
        self._session.config.pluginmanager.register(failures)
        self._functions.forget_all()
        self.run(self._items[test] for test in killers)
        told.write_text("\n".join(sorted(failures.tests)), encoding="utf-8")
        return 0

    def _mutant(self, mutant: Mutant, tests: list[str], killer: Path) -> int:
        """In the child."""
        failures = _Failures()
        self._session.config.pluginmanager.register(failures)
        self._functions.forget_all()
        if not self._functions.put(mutant):
            return _NO_MUTANT
        last = self.run((self._items[test] for test in tests), stop=lambda: bool(failures.tests))
        if last is not None:
            killer.write_text(last.nodeid, encoding="utf-8")
        return int(last is not None)


def _fate(status: int) -> str:
    """Of a wait status. A child that dies of the mutant (a crash, an endless recursion) is a failed test too."""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return "timed_out"
    return "survived" if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 else "killed"
