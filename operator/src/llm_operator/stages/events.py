"""Last stage: what is told to people as events."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from llm_operator.api.conditions import Condition, ConditionType, Reason, truncate
from llm_operator.api.way import Way
from llm_operator.outcome import Event
from llm_operator.plan.inputs import Scope
from llm_operator.plan.warnings import text
from llm_operator.stages.desired import Desired
from llm_operator.stages.ownership import adopting
from llm_operator.status.change_record import last, unfinished
from llm_operator.status.conditions import Facts

DRIFT_CORRECTED: Final = "DriftCorrected"
CHILD_RECREATED: Final = "ChildRecreated"
ADOPTED: Final = "Adopted"
_WATCHED: Final = (ConditionType.READY, ConditionType.ACCEPTED, ConditionType.RENDERED, ConditionType.DEGRADED)


def _touched(scope: Scope) -> bool:
    """Somebody else changed the child's spec, while nobody changed ours."""
    generation = (scope.child or {}).get("metadata", {}).get("generation")
    same_spec = scope.status.get("observedGeneration") == scope.generation
    return same_spec and generation != (scope.status.get("rayService") or {}).get("generation")


def drift_events(scope: Scope, wanted: Desired) -> tuple[Event, ...]:
    """Told when an apply restores what somebody else changed or removed."""
    if scope.child is None:
        planned = (last(scope).get("strategy"), unfinished(last(scope))) == (Way.RECREATE.value, True)
        if (scope.status.get("rayService") or {}).get("name") and not planned:
            return (Event("Normal", CHILD_RECREATED, f'RayService "{scope.name}" was gone and is made again'),)
        return ()
    if adopting(scope):
        return (Event("Normal", ADOPTED, f'RayService "{scope.name}" is taken over, as its annotation asks'),)
    drift = wanted.by_others
    if not drift or (wanted.edited and not _touched(scope)):
        return ()
    paths = ", ".join(drift[:5]) + (" and more" if len(drift) > 5 else "")
    return (Event("Normal", DRIFT_CORRECTED, truncate(f"RayService was changed by somebody else, restored: {paths}")),)


def transitions(facts: Facts, previous: Mapping[str, Mapping[str, Any]]) -> tuple[Event, ...]:
    """An event for each reason for which a watched condition is not what it was; none at the very first look. Several
    conditions that change for one reason are one event, a Warning if one of them is."""
    events: dict[Reason, Event] = {}
    for condition in facts.conditions():
        old = previous.get(condition.type.value)
        if condition.type not in _WATCHED or old is None:
            continue
        if (old.get("status"), old.get("reason")) == (condition.status.value, condition.reason.value):
            continue
        note = truncate(f"{condition.type}={condition.status}. {condition.message}")
        said = events.get(condition.reason, Event("Normal", condition.reason.value, note))
        events[condition.reason] = replace(said, type="Warning") if _severity(condition) == "Warning" else said
    return tuple(events.values())


def warnings(facts: Facts, previous: Mapping[str, Mapping[str, Any]]) -> tuple[Event, ...]:
    """Each once, when condition Accepted begins to say it, also at the very first look."""
    said = str(previous.get(ConditionType.ACCEPTED.value, {}).get("message", ""))
    if truncate(text(facts.warnings)) == said:
        return ()
    new = (each for each in facts.warnings if each.message not in said)
    return tuple(Event("Warning", each.reason, truncate(each.message)) for each in new)


def _severity(condition: Condition) -> str:
    if condition.reason is Reason.PAUSED:
        return "Normal"
    bad = condition.is_true if condition.type is ConditionType.DEGRADED else condition.status.value == "False"
    waiting = condition.type is ConditionType.READY
    return "Warning" if bad and not waiting else "Normal"
