"""What was proved of each sample: a JSON file in the cache folder that every run adds to, and a table of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import samples
from cluster import names

VALID: Final = "validated"
ACCEPTED: Final = "accepted by KubeRay"
RAN: Final = "ran simulated"
"""Seconds: from apply to Ready; of a sample that ran beside others (test_samples_simulated.py) until all was looked at."""
ON_CPU: Final = "ran on vLLM CPU"
COLUMNS: Final = (VALID, ACCEPTED, RAN, ON_CPU)
FILE: Final = "samples-report.json"


def path() -> Path:
    """The JSON file."""
    return names.cache_dir() / FILE


def load() -> dict[str, dict[str, str]]:
    """Sample → column → what was seen."""
    if not path().exists():
        return {}
    found: dict[str, dict[str, str]] = json.loads(path().read_text(encoding="utf-8"))
    return found


def record(sample: str, column: str, seen: str) -> None:
    """One cell; earlier ones of other columns are kept."""
    if column not in COLUMNS:
        raise ValueError(f"no column {column}")
    found: dict[str, Any] = load()
    found.setdefault(sample, {})[column] = seen
    path().write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n", encoding="utf-8")


def table() -> str:
    """Markdown, every sample a row."""
    found = load()
    rows = [
        f"| {name} | {' | '.join(found.get(name, {}).get(column, '-') for column in COLUMNS)} |"
        for name in samples.names()
    ]
    head = f"| sample | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}"
    return "\n".join([head, *rows]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
