"""What a run of the catalogue takes: all of it; samples by name; or, in CI, a subset of bounded time: what changed, and a share of the
rest that is another one each day.

A subset counts in seconds of a machine with two processors (parts.yaml), because time is what CI has little of.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final

import samples
import yaml
from cluster.shell import say

VARIABLE: Final = "SAMPLES"
"""`all` (the default), `subset`, or names separated by commas."""
SINCE: Final = "SAMPLES_SINCE"
"""Git revision that a subset's changes are counted from; default: the commit before."""
SECONDS: Final = "SAMPLES_SECONDS"
"""Seconds that a subset has at the most, where that is less than 15 minutes: what CI has left. Five make room for a sample."""
SAMPLES_BUDGET: Final = 240.0
PARTS_BUDGET: Final = 660.0
"""Seconds of a subset: 15 minutes together; no part takes more than its budget (a test). With less time both shrink alike."""
SAMPLE_SECONDS: Final = 75.0
UNNAMED_SECONDS: Final = 300.0
"""Of a module that parts.yaml does not name."""
CHANGED_SHARE: Final = 0.75
"""Of a budget, at most, so that the rest keeps moving while people work on one thing."""
_FOLDERS: Final = ("manifests/samples", "tests/golden/samples")
_SAMPLES_MODULE: Final = "test_samples_simulated.py"
_ROOT: Final = samples.FOLDER.parents[1]


@dataclass(frozen=True, slots=True)
class Part:
    """Tests that are taken together."""

    tests: str
    """The beginning of their names, e.g. `test_scaling.py::test_a_window`."""
    seconds: float
    paths: tuple[str, ...]
    """What they are the proof of: beginnings of paths in the repository."""


@cache
def parts() -> tuple[Part, ...]:
    """Everything beside the samples: parts.yaml, and each module that it does not name, whole."""
    folder = Path(__file__).parent
    rows = yaml.safe_load((folder / "parts.yaml").read_text(encoding="utf-8"))
    named = [Part(row["tests"], float(row["seconds"]), tuple(row["paths"])) for row in rows]
    known = {part.tests.partition("::")[0] for part in named} | {_SAMPLES_MODULE}
    others = sorted({path.name for path in folder.glob("test_*.py")} - known)
    return (*named, *(Part(name, UNNAMED_SECONDS, ()) for name in others))


def changed(paths: Sequence[str]) -> frozenset[str]:
    """Samples among changed files: the sample itself, or what it becomes."""
    found = (Path(path) for path in paths)
    return frozenset(path.stem for path in found if str(path.parent) in _FOLDERS and path.suffix == ".yaml")


def changed_parts(paths: Sequence[str]) -> frozenset[str]:
    """`tests` of the parts that changed files are about; a test's own file is always one of its paths."""
    return frozenset(
        part.tests
        for part in parts()
        if any(path.startswith((*part.paths, f"tests/catalogue/{part.tests.partition('::')[0]}")) for path in paths)
    )


def rotation(known: Sequence[str], day: date, step: int) -> tuple[str, ...]:
    """All names, from another one on each day, `step` further: days in a row take one after the other."""
    start = day.toordinal() * step % len(known) if known else 0
    return (*known[start:], *known[:start])


def subset(costs: Mapping[str, float], wanted: frozenset[str], day: date, budget: float) -> tuple[str, ...]:
    """Names whose seconds fit into the budget: those wanted, up to CHANGED_SHARE of it, or one of them, then the day's; in the order
    of `costs`.

    With nothing wanted each name is taken within len(costs) / (budget / the largest cost) days, if none costs more than the
    budget; such a name waits for a run that has more time.
    """
    step = max(1, int(budget // max(costs.values(), default=budget)))
    order = rotation(tuple(costs), day, step)
    taken: dict[str, float] = {}

    def take(names: Sequence[str], most: float) -> None:
        for name in names:
            if name not in taken and sum(taken.values()) + costs[name] <= (most if taken else budget):
                taken[name] = costs[name]

    take([name for name in order if name in wanted], budget * CHANGED_SHARE)
    take(order, budget)
    return tuple(name for name in costs if name in taken)


def _changed_files() -> list[str]:
    since = os.environ.get(SINCE, "") or "HEAD~1"
    command = ["git", "diff", "--name-only", since]
    found = subprocess.run(command, check=False, cwd=_ROOT, capture_output=True, text=True)
    if found.returncode:
        say(f"{' '.join(command)}: {found.stderr.strip()}: the subset takes nothing for changed")
        return []
    return found.stdout.split()


def _budgets() -> tuple[float, float]:
    """Seconds for samples, and for the other parts."""
    whole = SAMPLES_BUDGET + PARTS_BUDGET
    share = min(1.0, float(os.environ.get(SECONDS, "") or whole) / whole)
    return SAMPLES_BUDGET * share, PARTS_BUDGET * share


def _wanted() -> str:
    return os.environ.get(VARIABLE, "") or "all"


def selected(known: Sequence[str]) -> tuple[str, ...]:
    """Of the samples that a test could take, those that this run does. Raises ValueError for a name that is no sample."""
    wanted = _wanted()
    if wanted == "all":
        return tuple(known)
    if wanted == "subset":
        costs = dict.fromkeys(known, SAMPLE_SECONDS)
        return subset(costs, changed(_changed_files()), datetime.now(UTC).date(), _budgets()[0])
    names = {name.strip() for name in wanted.split(",")}
    if unknown := names - set(samples.names()):
        raise ValueError(f"{VARIABLE}: no such sample: {', '.join(sorted(unknown))}")
    return tuple(name for name in known if name in names)


def left_out() -> tuple[str, ...]:
    """Beginnings of the names of tests that this run does not take."""
    if _wanted() != "subset":
        return ()
    costs = {part.tests: part.seconds for part in parts()}
    taken = subset(costs, changed_parts(_changed_files()), datetime.now(UTC).date(), _budgets()[1])
    return tuple(name for name in costs if name not in taken)
