"""Since when has each replica had requests and made no token? Pure: the clock comes in. Tests: tests/unit/probe/test_progress.py."""

from collections.abc import Mapping
from dataclasses import dataclass

from llm_operator.probe.replica_metrics import Load


@dataclass(slots=True)
class _Replica:
    tokens: float
    since: float
    """Time of the first look at which it had requests and just these tokens."""
    busy: bool


class ProgressOfPod:
    """The replicas that live in one pod."""

    def __init__(self) -> None:
        self._replicas: dict[str, _Replica] = {}

    def look(self, loads: Mapping[str, Load], now: float) -> None:
        """Takes one reading in; replicas that are not in it have ended."""
        for gone in self._replicas.keys() - loads.keys():
            del self._replicas[gone]
        for name, load in loads.items():
            known = self._replicas.get(name)
            busy = load.running > 0
            if known is None or not busy or not known.busy or load.tokens != known.tokens:
                self._replicas[name] = _Replica(load.tokens, now, busy)

    def stalled(self, now: float, *, seconds: float) -> tuple[str, ...]:
        """Replicas that were busy at every reading of the last `seconds` and made no token."""
        return tuple(sorted(name for name, each in self._replicas.items() if each.busy and now - each.since >= seconds))

    @property
    def replicas(self) -> int:
        """How many live there."""
        return len(self._replicas)
