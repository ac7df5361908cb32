"""Sections of labelled lines, and how numbers are written."""

from dataclasses import dataclass, field
from typing import Final

from llm_operator.api import quantity
from llm_operator.plan.totals import Range

_GIB: Final = quantity.GIB


@dataclass(slots=True)
class Section:
    """A title and its rows: a label and one or more paragraphs."""

    title: str
    rows: list[tuple[str, list[str]]] = field(default_factory=list)

    def add(self, label: str, *lines: str) -> None:
        """Paragraphs that are empty are left out, and so is a row of none."""
        said = [line for line in lines if line]
        if said:
            self.rows.append((label, said))


def gib(amount: float) -> str:
    """Bytes for people: "65.8 GiB", "640 GiB"."""
    size = amount / _GIB
    return f"{size:.0f} GiB" if size >= 100 else f"{size:.1f} GiB"


def span(bounds: Range) -> str:
    """ "2", or "1 to 4"."""
    fewest, most = bounds
    return f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"


def many(count: int | str, word: str) -> str:
    """ "1 pod", "2 pods", "1 to 4 pods"."""
    return f"{count} {word}" if str(count) == "1" else f"{count} {word}s"


def listed(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def costs(found: dict[str, Range]) -> str:
    """ "8 x H100 at the fewest, 16 at the most", one kind after the other; "none" for CPU only."""
    said = [
        f"{fewest} x {kind}" if fewest == most else f"{fewest} x {kind} at the fewest, {most} at the most"
        for kind, (fewest, most) in found.items()
    ]
    return "; ".join(said) or "none"
