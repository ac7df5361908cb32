"""What the tests measured: a table at the end of the run, and a JSON file in the cache folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from cluster import names

FILE: Final = "e2e-report.json"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number."""

    what: str
    value: float
    unit: str


@dataclass(slots=True)
class Report:
    """All numbers of one run, in the order in which they were measured."""

    measurements: list[Measurement] = field(default_factory=list)

    def add(self, what: str, value: float, unit: str = "s") -> None:
        """Records one number."""
        self.measurements.append(Measurement(what, round(value, 2), unit))

    def lines(self) -> list[str]:
        """The table."""
        width = max((len(entry.what) for entry in self.measurements), default=0)
        return [f"{entry.what:<{width}}  {entry.value:>9g} {entry.unit}" for entry in self.measurements]

    def write(self) -> Path:
        """Writes the JSON file and returns its path."""
        path = names.cache_dir() / FILE
        path.write_text(json.dumps([asdict(entry) for entry in self.measurements], indent=1) + "\n")
        return path
