"""What a run has found, as a table, as diffs and as JSON."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from mutation.parts import ROOT, package
from mutation.sample import Score, total
from mutation.trial import Fate


def by_package(fates: dict[str, list[Fate]]) -> dict[str, dict[str, Score]]:
    """Part → package → score."""
    scores: dict[str, dict[str, Score]] = {part: defaultdict(Score) for part in fates}
    for part, tried in fates.items():
        for fate in tried:
            scores[part][package(fate.mutant.path)].add(fate.fate)
    return scores


def _row(name: str, score: Score) -> str:
    low, high = score.interval()
    return (
        f"{name:24} {score.mutants:8} {score.killed:7} {score.timed_out:9} {score.survived:9} "
        f"{score.share:7.1%}  {low:.1%} to {high:.1%}"
    )


def table(fates: dict[str, list[Fate]]) -> str:
    """A row per package, and one per part."""
    rows = [f"{'':24} {'mutants':>8} {'killed':>7} {'timed out':>9} {'survived':>9} {'score':>7}  95 % interval"]
    for part, packages in by_package(fates).items():
        if len(packages) > 1:
            rows += [_row(f"  {name}", score) for name, score in sorted(packages.items())]
        rows.append(_row(part.upper(), total(packages.values())))
    return "\n".join(rows)


def told(fate: Fate) -> str:
    """A mutant that survived, as a diff."""
    first, last = fate.mutant.lines
    reached = f"{fate.tests} tests pass" if fate.tests else "no test gets here"
    return f"{fate.mutant.path.relative_to(ROOT)}:{first}-{last}: {reached}\n{fate.mutant.diff()}"


def summary(fates: dict[str, list[Fate]]) -> str:
    """One line while it runs."""
    scores = {part: total(packages.values()) for part, packages in by_package(fates).items()}
    return ", ".join(f"{part} {score.share:.1%} of {score.mutants} killed" for part, score in scores.items())


def document(fates: dict[str, list[Fate]], about: dict[str, Any]) -> dict[str, Any]:
    """Everything; `about` says how it was run."""
    parts = {}
    for part, packages in by_package(fates).items():
        rows = {**dict(sorted(packages.items())), "all": total(packages.values())}
        parts[part] = {
            name: {
                **vars(score),
                "mutants": score.mutants,
                "share": round(score.share, 4),
                "interval": score.interval(),
            }
            for name, score in rows.items()
        }
    tried = [
        {
            "part": part,
            "file": str(fate.mutant.path.relative_to(ROOT)),
            "lines": fate.mutant.lines,
            "diff": fate.mutant.diff(),
            "fate": fate.fate,
            "by": fate.by,
            "tests": fate.tests,
        }
        for part, each in fates.items()
        for fate in each
    ]
    return {**about, "scores": parts, "mutants": tried}
