"""Applications that Ray Serve gave up (DEPLOY_FAILED) are tried again: after 60 s, 120 s, 240 s, then no more.

Serve never tries again by itself, and an equal configuration does nothing (Ray 2.60.0, serve/_private/application_state.py);
another code version does. What is remembered: the number in the live RayService, and `status.retries`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from llm_operator.plan.inputs import Scope
from llm_operator.render.sticky import Retry, Sticky, code_of
from llm_operator.rollout.clock import later, until
from llm_operator.status.observed import UNKNOWN, Application, Observed
from llm_operator.status.progress import MOST_RETRIES

FIRST_WAIT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Attempts:
    """One entry of `status.retries`."""

    name: str
    attempts: int
    """Retries since it last served, or since the spec was last edited; at most MOST_RETRIES."""
    number: int = 0
    """Number of the last retry, as it stands in the RayService; 0 for another code."""
    due_at: str = ""
    """When it may be tried again, or given up for good; empty while it has not failed again."""

    @property
    def entry(self) -> dict[str, Any]:
        """As in the status."""
        return {"name": self.name, "attempts": self.attempts, "number": self.number, "dueAt": self.due_at}


@dataclass(frozen=True, slots=True)
class Retries:
    """What is tried again, and when."""

    entries: tuple[Attempts, ...] = ()
    now: Mapping[str, Retry] | None = None
    """What the RayService should hold instead of its own numbers; None = those."""
    exhausted: tuple[str, ...] = ()
    """Applications that are not tried again."""
    requeue_after: float | None = None


def _wait(attempts: int) -> int:
    return FIRST_WAIT_SECONDS * 2**attempts if attempts < MOST_RETRIES else FIRST_WAIT_SECONDS


def _remembered(scope: Scope, sticky: Sticky) -> dict[str, Attempts]:
    """After an edit everything may be tried anew. With the status lost, the numbers that are live count."""
    if scope.status and scope.status.get("observedGeneration") != scope.generation:
        return {}
    known = {
        str(entry["name"]): Attempts(
            str(entry["name"]), int(entry["attempts"]), int(entry.get("number", 0)), str(entry.get("dueAt", ""))
        )
        for entry in scope.status.get("retries") or ()
    }
    lost = {} if "retries" in scope.status else sticky.retries
    return {name: Attempts(name, min(retry.number, MOST_RETRIES), retry.number) for name, retry in lost.items()} | known


def _tried(before: Attempts, number: int, now: str) -> Attempts:
    after = before.attempts + 1
    return Attempts(before.name, after, number, later(now, _wait(after)))


def _step(seen: Application, before: Attempts, live: int, now: str) -> tuple[Attempts, bool]:
    """The next entry, and whether to try again now. `live`: number in the RayService."""
    if before.number > live:  # another code by now
        before = Attempts(before.name, 0, live)
    if before.number < live:  # applied, and not written down: the operator was stopped in between
        return _tried(before, live, now), False
    if seen.status == "":
        return before, False
    if not seen.failed:
        served = seen.status == "RUNNING"
        return replace(before, attempts=0 if served else before.attempts, due_at=""), False
    if not before.due_at:
        return replace(before, due_at=later(now, _wait(before.attempts))), False
    if until(now, before.due_at) > 0 or before.attempts >= MOST_RETRIES:
        return before, False
    return _tried(before, live + 1, now), True


def _exhausted(seen: Application, entry: Attempts, now: str) -> bool:
    return seen.failed and entry.attempts >= MOST_RETRIES and bool(entry.due_at) and until(now, entry.due_at) == 0


def retries(scope: Scope, observed: Observed, sticky: Sticky, applications: Iterable[Mapping[str, Any]]) -> Retries:
    """`sticky`: of the live RayService. `applications`: as rendered; one that is not what is live has just been changed."""
    found = observed.pending_applications if observed.pending_cluster else observed.applications
    remembered = _remembered(scope, sticky)
    entries: list[Attempts] = []
    now, exhausted = dict(sticky.retries), list[str]()
    for application in applications:
        name = str(application["name"])
        seen, live = found.get(name, UNKNOWN), sticky.attempt(application)
        before = remembered.get(name, Attempts(name, 0, live))
        entry, again = _step(seen, before, live, scope.now)
        if entry.number or entry.due_at:
            entries.append(entry)
        if again:
            now[name] = Retry(code_of(application), entry.number)
        if _exhausted(seen, entry, scope.now):
            exhausted.append(name)
    waits = [wait for entry in entries if entry.due_at and (wait := until(scope.now, entry.due_at)) > 0]
    return Retries(tuple(entries), now if now != sticky.retries else None, tuple(exhausted), min(waits, default=None))
