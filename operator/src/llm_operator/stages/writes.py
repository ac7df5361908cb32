"""Last stage but one: what is written for where things stand, when something may be written at all."""

from dataclasses import replace
from typing import Final

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.conditions import truncate
from llm_operator.api.way import Way
from llm_operator.change.model import Change
from llm_operator.outcome import Event, Outcome
from llm_operator.plan.inputs import Scope
from llm_operator.render.children import stamped as child_of
from llm_operator.rollout.decide import Decision
from llm_operator.rollout.failure import deadline_in
from llm_operator.rollout.revisions import kept, served
from llm_operator.rollout.switch import begun, release_in
from llm_operator.stages.decision import Stand
from llm_operator.stages.desired import patches
from llm_operator.stages.events import drift_events
from llm_operator.stages.others import others
from llm_operator.status.change_record import Entry, stamped, started, unfinished
from llm_operator.status.change_record import kept as kept_entry
from llm_operator.status.conditions import Facts
from llm_operator.status.diagnosis import look_again
from llm_operator.status.last_change import CHANGE_STARTED, LastChange, started_event

LOOK_AGAIN_SECONDS: Final = 60.0
"""While a change waits for room."""
_TAKEN_UP: Final = "KubeRay has taken up the newest RayService; whether replicas restart is seen in a moment"
_HANDED_OVER: Final = "the head takes requests too until a worker does, which is in a moment"


def nothing(standing: Stand, facts: Facts) -> bool:
    """Nothing may be written now: the spec is wrong, the change is held, or the API server has just refused it. (Bounds that
    no RayService has would be wrong in the live clusters too.)"""
    if standing.decision is None or standing.decision.held:
        return True
    return facts.apply_pending and facts.scope.apply_error is not None


def _handover_in(scope: Scope, standing: Stand, facts: Facts, change: LastChange) -> float | None:
    """Seconds until the next look while the head is about to leave the requests to the workers; None when it is not."""
    plan, spec, decision = standing.intended.plan, standing.intended.spec, standing.decision
    if plan is None or spec is None or decision is None or spec.paused or facts.foreign or nothing(standing, facts):
        return None
    if plan.may_be_empty:
        return None
    return release_in(scope, decision.sticky, change.fields.get("lastChange") or {})


def settling(scope: Scope, standing: Stand, facts: Facts, change: LastChange) -> str:
    """What ends by itself in a moment although all is said to be as wanted; "" when nothing does."""
    if change.wait is not None:
        return _TAKEN_UP
    return _HANDED_OVER if _handover_in(scope, standing, facts, change) is not None else ""


def settled(scope: Scope, standing: Stand, facts: Facts, change: LastChange) -> float | None:
    """Seconds until something is due although nothing happens; None when nothing is."""
    plan, spec, decision = standing.intended.plan, standing.intended.spec, standing.decision
    if plan is None or spec is None or decision is None:
        return None
    entry = change.fields.get("lastChange") or {}
    deadline = None
    if standing.back is None and standing.progress.failed is None:
        deadline = deadline_in(entry, scope.now, spec.rollout)
    room = LOOK_AGAIN_SECONDS if decision.held and decision.choice.by_room else None
    waits = (
        plan.next_change,
        change.wait,
        decision.retries.requeue_after,
        _handover_in(scope, standing, facts, change),
        deadline,
        room,
        look_again(scope, facts.observed),
    )
    return min((wait for wait in waits if wait is not None), default=None)


def _apply(scope: Scope, standing: Stand, said: Outcome) -> Outcome:
    """The RayService, with the change that it starts."""
    decision, wanted = standing.decision, standing.wanted
    assert decision is not None
    assert wanted is not None
    change, back = decision.change, standing.back
    if change.change_class is ChangeClass.NONE:
        entry = kept_entry(scope)
    else:
        entry = _started(scope, decision, back.message if back is not None else decision.message)
    made = begun(scope, wanted.rayservice, change, decision.choice.way)
    drifted = drift_events(scope, wanted)
    events = (*drifted, *started_event(change, restores=bool(drifted)))
    if decision.choice.instead or (decision.choice.by_room and decision.choice.way is Way.IN_PLACE):
        events = tuple(
            replace(each, note=_note(change, entry)) if each.reason == CHANGE_STARTED else each for each in events
        )
    counts = scope.policy.free_capacity and scope.room is None
    return replace(
        said,
        apply=stamped(made, entry) if entry else made,
        room_for=decision.room_for if counts else None,
        events=events,
    )


def _started(scope: Scope, decision: Decision, message: str) -> Entry:
    change, way = decision.change, decision.choice.way
    if not decision.choice.instead:
        return started(scope, change, way, message)
    # Going back to what serves is no part of what was being prepared.
    entry = started(scope, replace(change, change_class=ChangeClass.NEW_CLUSTER), way, message)
    return entry | {"class": change.change_class.value}


def _note(change: Change, entry: Entry) -> str:
    return truncate(f"{change.change_class}: {entry['message']}")


def _downtime(standing: Stand) -> tuple[Event, ...]:
    decision = standing.decision
    if decision is None or not decision.recreates:
        return ()
    return (Event("Normal", CHANGE_STARTED, truncate(f"{decision.change.change_class}: {decision.message}")),)


def _served(standing: Stand, facts: Facts, said: Outcome) -> bool:
    """The user's own spec serves as a whole, and no change is under way."""
    observed = facts.observed
    through = not unfinished(said.status.get("lastChange") or {})
    ready = facts.all_ready and facts.deployed and observed.settled and not observed.pending_cluster
    return through and ready and standing.back is None and not facts.pruned


def writes(scope: Scope, standing: Stand, facts: Facts, said: Outcome, requeue_after: float | None) -> Outcome:
    """`said`: status and events. Only where `nothing` is not true."""
    decision, wanted, plan, spec = standing.decision, standing.wanted, standing.intended.plan, standing.intended.spec
    assert decision is not None
    assert wanted is not None
    assert plan is not None
    assert spec is not None
    if standing.announce:
        return replace(said, announce=True, events=(*said.events, *_downtime(standing)))
    if decision.recreates:
        return replace(said, delete_child=True)
    if facts.apply_pending:
        return _apply(scope, standing, said)
    current = served(scope, decision.sticky) if _served(standing, facts, said) else None
    revisions = kept(scope, current, spec.rollout.revision_history_limit)
    objects, removals = others(scope, plan, (child_of(plan, each.manifest) for each in revisions))
    return replace(
        said,
        patches=patches(scope, wanted, facts.observed),
        drop_pending=standing.drop,
        objects=objects,
        removals=removals,
        requeue_after=requeue_after,
    )
