"""Which samples a run takes: all, some by name, or those that changed and a rotating rest, so that CI sees each within a few days."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import samples

VARIABLE: Final = "SAMPLES"
"""`all` (the default), `subset`, or names separated by commas."""
SINCE: Final = "SAMPLES_SINCE"
"""Git revision that a subset's changes are counted from."""
PARTS: Final = 8
"""A subset's rest is one sample in so many, another one each day."""
_FOLDERS: Final = ("manifests/samples", "tests/golden/samples")


def changed(paths: Sequence[str]) -> frozenset[str]:
    """Samples among changed files: the sample itself, or what it becomes."""
    found = (Path(path) for path in paths)
    return frozenset(path.stem for path in found if str(path.parent) in _FOLDERS and path.suffix == ".yaml")


def rotation(known: Sequence[str], day: date, parts: int = PARTS) -> tuple[str, ...]:
    """Every `parts`-th name; the days of any `parts` in a row together take all."""
    return tuple(name for index, name in enumerate(known) if index % parts == day.toordinal() % parts)


def subset(known: Sequence[str], paths: Sequence[str], day: date) -> tuple[str, ...]:
    """Changed samples and the day's share of the rest, in the order of `known`."""
    wanted = changed(paths) | set(rotation(known, day))
    return tuple(name for name in known if name in wanted)


def _changed_files(since: str) -> list[str]:
    command = ["git", "diff", "--name-only", since, "--", *_FOLDERS]
    return subprocess.run(command, cwd=samples.FOLDER.parent, capture_output=True, text=True, check=True).stdout.split()


def selected(known: Sequence[str]) -> tuple[str, ...]:
    """Of the samples that a test could take, those that this run does. Raises ValueError for a name that is no sample."""
    wanted = os.environ.get(VARIABLE, "") or "all"
    if wanted == "all":
        return tuple(known)
    if wanted == "subset":
        since = os.environ.get(SINCE, "") or "HEAD~1"
        return subset(known, _changed_files(since), datetime.now(UTC).date())
    names = {name.strip() for name in wanted.split(",")}
    if unknown := names - set(samples.names()):
        raise ValueError(f"{VARIABLE}: no such sample: {', '.join(sorted(unknown))}")
    return tuple(name for name in known if name in names)
