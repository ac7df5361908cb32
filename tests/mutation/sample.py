"""Which mutants are tried, and what their fate says about all of them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, TypeVar

T = TypeVar("T")
CONFIDENCE: Final = 0.95


@dataclass
class Score:
    """Fates of mutants. A mutant that never ends counts as killed: a test that uses it fails."""

    killed: int = 0
    timed_out: int = 0
    survived: int = 0

    @property
    def mutants(self) -> int:
        """How many were tried."""
        return self.killed + self.timed_out + self.survived

    @property
    def share(self) -> float:
        """Killed, of those that were tried; 0 when none was."""
        return (self.killed + self.timed_out) / self.mutants if self.mutants else 0.0

    def interval(self) -> tuple[float, float]:
        """95 % interval of the share of all mutants (Wilson's score interval)."""
        return wilson(self.killed + self.timed_out, self.mutants)

    def add(self, fate: str) -> None:
        """One more; the fate is the name of a field."""
        setattr(self, fate, getattr(self, fate) + 1)


def total(scores: Iterable[Score]) -> Score:
    """All together."""
    every = list(scores)
    return Score(
        sum(each.killed for each in every), sum(each.timed_out for each in every), sum(each.survived for each in every)
    )


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """Wilson's score interval of a share, by CONFIDENCE; (0, 1) without a try."""
    if not tries:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, square = hits / tries, z * z / tries
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / tries + square / (4 * tries)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def drawn(every: Sequence[T], most: int | None, seed: int, name: str) -> list[T]:
    """All of them, or `most`, in random order without repetition: the same ones for the same seed and name. The first n of
    them are a random sample too."""
    chosen = list(every)
    random.Random(f"{seed}/{name}").shuffle(chosen)
    return chosen[:most]


def shares(most: int | None, groups: int) -> list[int | None]:
    """`most` divided as evenly as can be; None (all) stays None."""
    if most is None:
        return [None] * groups
    return [most // groups + (number < most % groups) for number in range(groups)]
