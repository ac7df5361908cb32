"""refused.yaml: changes to the smallest object, and what `kubectl apply` then says, word for word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from builders import llm
from golden.case import put
from llm_operator.render.text import to_yaml

FILE: Final = Path(__file__).with_name("refused.yaml")
_HEAD: Final = (
    "# Each case: pointers set in the smallest LLMDeployment (null removes), and all that kubectl prints.\n"
    "# `said` is written by `pytest tests/apiserver --update`: read the difference as a user would.\n"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One refused object."""

    name: str
    change: dict[str, Any]
    said: str

    def object(self) -> dict[str, Any]:
        """The smallest LLMDeployment with the changes."""
        document = llm("x").object()
        for pointer, value in self.change.items():
            put(document, pointer, value)
        return document


def rows() -> list[Row]:
    """All of them."""
    return [Row(entry["name"], entry["change"], entry.get("said", "")) for entry in yaml.safe_load(FILE.read_text())]


def write(said: dict[str, str]) -> None:
    """Write the file anew, with new answers for the cases in `said`."""
    entries = [{"name": row.name, "change": row.change, "said": said.get(row.name, row.said)} for row in rows()]
    FILE.write_text(_HEAD + to_yaml(entries))
