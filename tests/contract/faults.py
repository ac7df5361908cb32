"""What can go wrong with one request, and the journal of writes that tells what did."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

WRITES = frozenset({"create", "update", "patch", "apply", "delete"})


@dataclass(frozen=True)
class Call:
    """One request in RBAC's terms; `user` is the bearer token, `resource` has the subresource: llmdeployments/status."""

    user: str
    verb: str
    resource: str


@dataclass
class Fault:
    """Answers the next `times` requests of that verb and resource (None: any) with an error.

    `status` 0: no answer, and then the connection is reset. `cut`: the answer ends in the middle of its body. `stored`:
    what the request asks for was done nevertheless. `hang`: seconds before that.
    """

    status: int
    verb: str | None = None
    resource: str | None = None
    times: int = 1
    retry_after: int | None = None
    body: bytes | None = None
    hang: float = 0.0
    cut: bool = False
    stored: bool = False
    user: str | None = None
    hits: int = 0
    at: list[float] = field(default_factory=list)
    """When it hit (monotonic)."""

    def takes(self, call: Call) -> bool:
        """Whether this call gets the fault; counts it."""
        wanted = ((self.verb, call.verb), (self.resource, call.resource), (self.user, call.user))
        if self.hits >= self.times or any(mine not in (None, its) for mine, its in wanted):
            return False
        self.hits += 1
        self.at.append(time.monotonic())
        return True


@dataclass
class Write:
    """One write as the server saw it."""

    number: int
    """From 1; 0 for writes of Leases, which are not counted."""
    call: Call
    namespace: str
    name: str
    at: float = field(default_factory=time.monotonic)
    stored: bool = False
    """The server did it."""
    effective: bool = False
    """It changed something."""
    acknowledged: bool = False
    """The client was told the truth about it."""
    answer: int = 0
    """HTTP status; 0 when there was none."""

    def __str__(self) -> str:
        said = f"{self.call.user}: {self.call.verb} {self.call.resource} {self.namespace}/{self.name}"
        marks = [name for name in ("stored", "effective", "acknowledged") if getattr(self, name)]
        return f"{self.number:2} {said} → {self.answer} {' '.join(marks)}"


class Cut(Exception):
    """Raised by a strike: the client gets no answer, its connection is reset."""


@dataclass
class Strike:
    """Something that happens right before the n-th write is stored, or after that and before the answer."""

    number: int
    moment: str
    """`before` or `after`."""
    act: Callable[[Write], Awaitable[Any]]
    done: bool = False
