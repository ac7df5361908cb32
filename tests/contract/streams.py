"""What can go wrong with a stream of watch events: lost, doubled, swapped, merged, late."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from contract.objects import Objects

Line = tuple[str, Any]
"""Type and object of a watch event."""
HOLD_SECONDS = 0.3
"""So long after the last event of a kind, what is held back or late is told."""


class Stream(Protocol):
    """Stands between the server and one watch."""

    def take(self, line: Line) -> list[Line]:
        """An event comes: what is sent now."""
        ...

    def flush(self) -> list[Line]:
        """No event came for HOLD_SECONDS: what is sent now."""
        ...


Disturb = Callable[[str], Stream]
"""Makes the stream of one watch of that kind."""


class Plain:
    """Nothing goes wrong."""

    def take(self, line: Line) -> list[Line]:
        """See Stream."""
        return [line]

    def flush(self) -> list[Line]:
        """See Stream."""
        return []


class Dropped:
    """Loses the n-th event of its kind (counted over all watches) and no other."""

    def __init__(self, number: int) -> None:
        self._left = number

    def take(self, line: Line) -> list[Line]:
        """See Stream."""
        self._left -= 1
        return [] if self._left == 0 else [line]

    def flush(self) -> list[Line]:
        """See Stream."""
        return []


class Doubled:
    """Each event twice."""

    def take(self, line: Line) -> list[Line]:
        """See Stream."""
        return [line, line]

    def flush(self) -> list[Line]:
        """See Stream."""
        return []


class Swapped:
    """Each event after the next one."""

    def __init__(self) -> None:
        self._held: list[Line] = []

    def take(self, line: Line) -> list[Line]:
        """See Stream."""
        if not self._held:
            self._held = [line]
            return []
        return [line, *self.flush()]

    def flush(self) -> list[Line]:
        """See Stream."""
        held, self._held = self._held, []
        return held


class Merged:
    """Of events in quick succession only the last."""

    def __init__(self) -> None:
        self._held: list[Line] = []

    def take(self, line: Line) -> list[Line]:
        """See Stream."""
        same = [held for held in self._held if held[1]["metadata"]["name"] != line[1]["metadata"]["name"]]
        self._held = [*same, line]
        return []

    def flush(self) -> list[Line]:
        """See Stream."""
        held, self._held = self._held, []
        return held


class Behind:
    """An API server whose watch cache is late: lists and watches of `kinds` do not know the last `events` changes, until
    none came for HOLD_SECONDS. `get` is not affected: it reads from etcd."""

    def __init__(self, objects: Objects, kinds: frozenset[str], events: int) -> None:
        self._objects, self._kinds, self._events = objects, kinds, events

    def horizon(self, plural: str) -> int | None:
        """The last change of a kind that it knows; None: all."""
        if plural not in self._kinds:
            return None
        changes = [change for change in self._objects.log if change.kind == plural]
        if not changes or time.monotonic() - changes[-1].at > HOLD_SECONDS:
            return None
        hidden = changes[-self._events :]
        return hidden[0].version - 1


class Frozen:
    """An API server whose watch cache stopped: lists and watches of `kinds` end at one version, until `thaw`."""

    def __init__(self, version: int, kinds: frozenset[str]) -> None:
        self._version: int | None = version
        self._kinds = kinds

    def thaw(self) -> None:
        """It is up to date again."""
        self._version = None

    def horizon(self, plural: str) -> int | None:
        """See Behind."""
        return self._version if plural in self._kinds else None
