"""How long to wait for the next answer: a model that was slow a moment ago is slow, not gone. Pure."""

from collections import deque
from typing import Final

LEAST_SECONDS: Final = 2.0
"""With a request every 2 s, an engine that is lost is found in less than 5 s."""
MOST_SECONDS: Final = 60.0
_FACTOR: Final = 3.0
_REMEMBERED: Final = 8


class Patience:
    """Of one model."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: deque[float] = deque(maxlen=_REMEMBERED)

    def answered(self, seconds: float) -> None:
        """The last answer took so long."""
        self._answers.append(seconds)

    @property
    def seconds(self) -> float:
        """Three times the slowest of the last 8 answers, from 2 to 60 s."""
        return min(MOST_SECONDS, max(LEAST_SECONDS, _FACTOR * max(self._answers, default=0.0)))
