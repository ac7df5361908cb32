"""`python -m mutation`: mutants of plan, status and apply code against the fast tests. Settings by environment variables:
MUTANTS (how many, a third in each part; `all`; default 750), SEED (of the draw; default 1), PATHS (only below these folders or files
of llm_operator, separated by spaces), TESTS (files and folders, instead of tests/unit and tests/golden), OUT (path of the JSON)."""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final

import pytest
from mutation import copied
from mutation.mutants import File, Mutant
from mutation.parts import PARTS, files
from mutation.reach import Measure, Reach
from mutation.report import document, summary, table, told
from mutation.sample import drawn, shares
from mutation.swap import Functions
from mutation.trial import Fate, Trial

LEAST: Final = 0.80
"""Share of each part's mutants that must be killed."""
TESTS: Final = ("tests/unit", "tests/golden")
_EVERY: Final = 25
_ARGUMENTS: Final = (
    "-c", "tests/pytest.ini", "--rootdir=.", "-q", "-s", "-p", "no:cacheprovider", "--no-summary",
    "--ignore=tests/unit/mutation",
)  # fmt: skip


def _say(text: str) -> None:
    print(text, flush=True)


class Settings:
    """From the environment; raises ValueError."""

    def __init__(self) -> None:
        mutants = os.environ.get("MUTANTS") or "750"
        self.most = None if mutants == "all" else int(mutants)
        self.seed = int(os.environ.get("SEED") or 1)
        self.paths = (os.environ.get("PATHS") or "").split()
        self.tests = (os.environ.get("TESTS") or "").split() or list(TESTS)
        self.out = os.environ.get("OUT")


def _draw(settings: Settings) -> dict[str, list[Mutant]]:
    """Part → mutants. The universe is counted first, and only what is drawn is written out."""
    parts = {part: [File(path) for path in files(part, settings.paths)] for part in PARTS}
    parts = {part: found for part, found in parts.items() if found}
    chosen: dict[str, list[Mutant]] = {}
    for (part, found), most in zip(parts.items(), shares(settings.most, len(parts)), strict=True):
        every = [(file, number) for file in found for number in range(len(file))]
        mutants = (file.mutant(number) for file, number in drawn(every, None, settings.seed, part))
        chosen[part] = list(islice((mutant for mutant in mutants if mutant is not None), most))
        _say(f"{part}: {len(every)} mutants in {len(found)} files, {len(chosen[part])} drawn")
    return chosen


class Mutation:
    """The pytest plugin that runs mutants instead of tests."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        self.fates: dict[str, list[Fate]] = {}
        self.left_out: list[str] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measures, then tries every mutant."""
        functions = Functions()
        gc.collect()
        gc.freeze()
        trial = Trial(session, functions, self._folder)
        _say(f"{len(session.items)} tests: which one runs which lines")
        if trial.child(lambda: self._measured(trial, session, functions)):
            raise RuntimeError("the measured run broke off")
        reach = Reach(self._folder)
        self.left_out = reach.failed
        for test in reach.failed:
            _say(f"left out, since it fails without a mutant: {test}")
        self._try(trial, reach)
        return True

    def _try(self, trial: Trial, reach: Reach) -> None:
        """Part by part in turns, so that a run that is broken off has something of each."""
        chosen = _draw(self._settings)
        self.fates = {part: [] for part in chosen}
        turns = (zip(chosen, turn, strict=True) for turn in zip_longest(*chosen.values()))
        every = [(part, mutant) for turn in turns for part, mutant in turn if mutant is not None]
        reached = reach.tests(mutant for _, mutant in every)
        for number, (part, mutant) in enumerate(every, 1):
            fate = trial.fate(mutant, reached[mutant], reach.seconds)
            self.fates[part].append(fate)
            if fate.fate == "survived":
                _say(f"{told(fate)}\n")
            if number % _EVERY == 0 or number == len(every):
                _say(f"{number} of {len(every)}; {summary(self.fates)}\n")
                self._write()
        if false := trial.false(fate for tried in self.fates.values() for fate in tried):
            raise RuntimeError(f"tests that killed mutants fail without any: {false}")

    def _write(self) -> None:
        if out := self._settings.out:
            about = {"seed": self._settings.seed, "paths": self._settings.paths, "tests": self._settings.tests}
            found = document(self.fates, {**about, "left_out": self.left_out})
            Path(out).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    def _measured(self, trial: Trial, session: pytest.Session, functions: Functions) -> int:
        measure = Measure(self._folder, functions.forget)
        session.config.pluginmanager.register(measure)
        functions.forget_all()
        measure.start()
        trial.run(session.items)
        measure.end()
        return 0


def main() -> int:
    """1 when too many survive in some part."""
    settings = Settings()
    with tempfile.TemporaryDirectory(prefix="mutation-") as made:
        if not copied.is_copy():
            return copied.run(Path(made))
        run = Mutation(settings, Path(made))
        code = pytest.main([*_ARGUMENTS, f"--basetemp={made}/tests", *settings.tests], plugins=[run])
    if not run.fates:
        return int(code) or 1
    return _verdict(run)


def _verdict(run: Mutation) -> int:
    _say(f"\n{table(run.fates)}")
    low = [part for part, tried in run.fates.items() if _share(tried) < LEAST]
    for part in low:
        _say(f"{part}: fewer than {LEAST:.0%} of the mutants are killed")
    return int(bool(low))


def _share(tried: list[Fate]) -> float:
    return sum(fate.fate != "survived" for fate in tried) / len(tried) if tried else 1.0


if __name__ == "__main__":
    sys.exit(main())
