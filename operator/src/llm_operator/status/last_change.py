"""`status.lastChange` and `status.measured`: when the last change is through, and how long it took.

KubeRay 1.6.2 (controllers/ray/rayservice_controller.go, reconcileServe) reads the applications' statuses, then hands Serve the
new configuration, then writes the old statuses with the new observedGeneration; it looks again 2 s later. So a replica that
restarts is seen up to 2 s after everything looks done, and a change on a live Ray cluster is through only when KubeRay has
had nothing new to say for a while. A new Ray cluster has no such moment.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.conditions import ConditionType, truncate
from llm_operator.change.estimate import MEASURED
from llm_operator.change.model import Change
from llm_operator.change.words import sentence
from llm_operator.outcome import Event
from llm_operator.status.change_record import ALONE, CREATED, FIELDS, Entry, kept, last, recorded, unfinished
from llm_operator.status.conditions import Facts

CHANGE_STARTED: Final = "ChangeStarted"
CHANGE_FINISHED: Final = "ChangeFinished"
QUIET_SECONDS: Final = 5
"""Two looks of KubeRay and a bit."""


@dataclass(frozen=True, slots=True)
class LastChange:
    """What is known of the last change now."""

    fields: dict[str, Any]
    """`lastChange` and `measured` of the status, as far as there are any."""
    event: Event | None = None
    """Told when it is found to be through."""
    wait: float | None = None
    """Seconds until it may be through although nothing happens; None = no need to look."""


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None


def _between(text: Any, start: str, now: str) -> str:
    """`text` if it is a time from `start` to `now`, else "". All have one form: UTC with seconds."""
    found, first, end = _time(text), _time(start), _time(now)
    return str(text) if found and first and end and first <= found <= end else ""


def _last_word(facts: Facts, entry: Entry) -> str:
    """When KubeRay last said something new; "" when not since the change started."""
    child = (facts.scope.child or {}).get("status") or {}
    return _between(child.get("lastUpdateTime"), entry["startedAt"], facts.scope.now)


def _became_ready(facts: Facts, entry: Entry) -> str:
    """When requests were answered again; "" if they were all the time."""
    conditions = facts.scope.status.get("conditions") or ()
    ready: dict[str, Any] = next((each for each in conditions if each.get("type") == ConditionType.READY), {})
    if ready.get("status") != "True":
        return facts.scope.now
    return _between(ready.get("lastTransitionTime"), entry["startedAt"], facts.scope.now)


def _seconds(start: str, end: str) -> int:
    first, second = _time(start), _time(end)
    return math.ceil((second - first).total_seconds()) if first and second else 0


def _through(facts: Facts) -> bool:
    observed = facts.observed
    return observed.exists and observed.settled and not observed.pending_cluster and facts.all_ready and facts.deployed


def _quiet(facts: Facts, entry: Entry) -> int:
    """Seconds for which nothing new was said. With strategy Incremental KubeRay writes the status at each look, new or not (1.6.2,
    controllers/ray/utils/consistency.go compares pointers): there it is how long after the start KubeRay has looked last."""
    start, said = entry["startedAt"], _last_word(facts, entry)
    if facts.observed.stepwise:
        return _seconds(start, said)
    return _seconds(said or start, facts.scope.now)


def _finished_event(entry: Entry, finished: str) -> Event:
    seconds = _seconds(entry["startedAt"], finished)
    note = (
        f"{entry['class']} change of generation {entry['generation']} is through after {seconds} s: {entry['message']}"
    )
    return Event("Normal", CHANGE_FINISHED, truncate(note))


def started_event(change: Change, *, restores: bool) -> tuple[Event, ...]:
    """Told with the apply. A first start needs no words, and neither does a cheap repair of what somebody else changed
    (`restores`), which has an event of its own."""
    cheap = change.change_class in (ChangeClass.NONE, ChangeClass.IN_PLACE)
    if change.created or change.change_class is ChangeClass.NONE or (restores and cheap):
        return ()
    return (Event("Normal", CHANGE_STARTED, truncate(f"{change.change_class}: {sentence(change)}")),)


def _same(before: Entry, entry: Entry) -> bool:
    """Whether the last status told of this change. Of two leaders at once the later one to apply may have decided first, so
    that a change under way got an earlier start."""
    differing = {key for key, value in entry.items() if before.get(key) != value}
    return differing <= ({"startedAt"} if unfinished(before) else set())


def _called_off(facts: Facts, before: Entry) -> dict[str, Any]:
    """Announced, and then not wanted any more: what runs is what ran before."""
    message = truncate(f"called off before it started: {before['message']}")
    return _carried(facts, {**before, "message": message, "finishedAt": facts.scope.now})


def _carried(facts: Facts, entry: Entry) -> dict[str, Any]:
    found = {"lastChange": entry} if entry else {}
    measured = facts.scope.status.get("measured")
    return {**found, "measured": dict(measured)} if measured else found


def _measured(facts: Facts, entry: Entry, finished: str, witnessed: bool) -> dict[str, Any]:
    """How long it took, if nothing else went on and this is the change that the last status told of."""
    before = dict(facts.scope.status.get("measured") or {})
    if witnessed and entry[ALONE]:
        # Times are whole seconds.
        before[MEASURED[ChangeClass(entry["class"])]] = max(1, _seconds(entry["startedAt"], finished))
    return before


def last_change(facts: Facts, announced: Entry | None = None) -> LastChange:
    """`announced`: a change that is to start. Pure; the same facts a second later give the same, but for `wait`."""
    if announced is not None:
        return LastChange(_carried(facts, announced))
    before = last(facts.scope)
    record = {} if facts.foreign else recorded(facts.scope.child) or kept(facts.scope)
    if not record:
        return LastChange(_carried(facts, before))
    entry = {key: record[key] for key in FIELDS}
    if told := _same(before, entry):
        # The later start, whichever of them a cache knows: two leaders at once write the same status.
        entry["startedAt"] = max(entry["startedAt"], before["startedAt"])
    if before and before["startedAt"] > entry["startedAt"] and not told:
        return LastChange(_called_off(facts, before) if unfinished(before) else _carried(facts, before))
    if told and not unfinished(before):
        return LastChange(_carried(facts, before))
    if not _through(facts):
        return LastChange(_carried(facts, entry))
    quiet = _quiet(facts, entry)
    if entry["class"] != ChangeClass.NEW_CLUSTER and quiet < QUIET_SECONDS:
        return LastChange(_carried(facts, entry), wait=float(QUIET_SECONDS - quiet))
    return _finished(facts, record, entry, told)


def _finished(facts: Facts, record: Entry, entry: Entry, told: bool) -> LastChange:
    finished = max(_last_word(facts, entry), _became_ready(facts, entry)) or facts.scope.now
    fields: dict[str, Any] = {"lastChange": {**entry, "finishedAt": finished}}
    if measured := _measured(facts, {**record, **entry}, finished, told):
        fields["measured"] = measured
    return LastChange(fields, None if record[CREATED] else _finished_event(entry, finished))
