"""Which tests reach which lines, and what a test costs: one run of all tests, measured with coverage.py, a context per test."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Protocol

import coverage
import pytest
from mutation.mutants import Mutant
from mutation.parts import PACKAGE

TABLES_EVERY: Final = 20
"""Tests. So often the operator reads its tables again, which takes longer than most tests: one test in so many is seen to need
them, which is enough to have tests for the code that reads them."""


class Forget(Protocol):
    """Empties caches."""

    def __call__(self, *, tables: bool) -> None: ...


class Measure:
    """Plugin of the measured run. It writes `folder/coverage` and `folder/tests.json`. Before every test `forget` is called, since
    a test that finds a result in a cache would seem not to need what made it."""

    def __init__(self, folder: Path, forget: Forget) -> None:
        self._folder, self._forget = folder, forget
        self._coverage = coverage.Coverage(
            data_file=str(folder / "coverage"), include=[f"{PACKAGE}/*"], config_file=False, messages=False
        )
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()

    def start(self) -> None:
        """From now on."""
        self._coverage.start()

    def end(self) -> None:
        """Writes down what was seen."""
        self._coverage.stop()
        self._coverage.save()
        seen = {"seconds": self._seconds, "failed": sorted(self._failed)}
        (self._folder / "tests.json").write_text(json.dumps(seen), encoding="utf-8")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """One test."""
        self._forget(tables=len(self._seconds) % TABLES_EVERY == 0)
        self._coverage.switch_context(item.nodeid)
        before = time.process_time()
        answer = yield
        self._seconds[item.nodeid] = time.process_time() - before
        return answer

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that fails without a mutant kills none."""
        if report.failed:
            self._failed.add(report.nodeid)


class Reach:
    """What was seen."""

    def __init__(self, folder: Path) -> None:
        seen = json.loads((folder / "tests.json").read_text(encoding="utf-8"))
        self.seconds: dict[str, float] = seen["seconds"]
        """CPU of each test, with the measuring."""
        self.failed: list[str] = seen["failed"]
        self._data = coverage.CoverageData(basename=str(folder / "coverage"))
        self._data.read()
        self._names = {test: test for test in self.seconds if test not in self.failed}

    def tests(self, mutants: Iterable[Mutant]) -> dict[Mutant, dict[str, float]]:
        """For each mutant the tests that run one of its lines and do not fail without it, and how special each is. File by file,
        since what coverage.py knows of a file takes a lot of memory."""
        found: dict[Mutant, dict[str, float]] = {}
        for path, same in groupby(sorted(mutants, key=_place), key=lambda mutant: mutant.path):
            lines = self._data.contexts_by_lineno(str(path))
            for mutant in same:
                found[mutant] = self._special(mutant, lines)
        return found

    def _special(self, mutant: Mutant, lines: dict[int, list[str]]) -> dict[str, float]:
        """A test that runs lines of the function that few others run is more likely to be about what was changed."""
        first, last = mutant.lines
        reaching = {test for line in range(first, last + 1) for test in lines.get(line, ())}
        special = {self._names[test]: 0.0 for test in reaching if test in self._names}
        for line in range(mutant.function[0], mutant.function[1] + 1):
            tests = lines.get(line, ())
            for test in tests:
                if test in special:
                    special[test] += 1 / len(tests)
        return special


def _place(mutant: Mutant) -> tuple[Path, int]:
    return mutant.path, mutant.number
