"""What was found out about room for a Ray cluster."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fit:
    """Pods of one shape, counted as if they were alone."""

    name: str
    """`the head`, `worker group qwen`."""
    needed: int
    fit: int
    """As many of them find a place at most; not more than `needed`."""
    nodes: int
    """Nodes that would hold such a pod if they were empty."""


@dataclass(frozen=True, slots=True)
class Room:
    """Whether a Ray cluster finds room now. Only "there is none" is certain: the scheduler looks at more than is counted here."""

    known: bool = True
    """False: nobody could count, and `unknown` says why."""
    unknown: str = ""
    fits: tuple[Fit, ...] = ()
    lacking: str = ""
    """What is missing, in numbers; empty: nothing is known to be missing."""
