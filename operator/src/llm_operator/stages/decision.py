"""Second and third stage: which spec is in force, what is rendered from it, and what is done about the difference."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llm_operator.api.conditions import Reason
from llm_operator.api.way import Way
from llm_operator.outcome import PendingDrop
from llm_operator.plan.inputs import Scope
from llm_operator.render.rayservice import rayservice
from llm_operator.render.sticky import Sticky, sticky_of
from llm_operator.rollout import pending, rollback, switch
from llm_operator.rollout.choice import Choice
from llm_operator.rollout.decide import Decision, decide
from llm_operator.rollout.failure import failure
from llm_operator.rollout.revisions import WORKLOAD
from llm_operator.rollout.rollback import Rollback
from llm_operator.stages.desired import Desired, compared
from llm_operator.stages.intent import Intent, intent
from llm_operator.stages.ownership import foreign
from llm_operator.stages.versions import versioned
from llm_operator.status.conditions import Facts
from llm_operator.status.observed import Observed, observe
from llm_operator.status.progress import Progress
from llm_operator.status.serving import probed


@dataclass(frozen=True, slots=True)
class Stand:
    """Where things stand. `decision` and `wanted` are None while the spec is wrong."""

    intended: Intent
    """The spec in force: the user's, or the last one that served."""
    decision: Decision | None
    wanted: Desired | None
    progress: Progress
    back: Rollback | None = None
    """Why the spec in force is not the user's."""
    announce: bool = False
    """Something is about to be done that has to stand in the status first: a rollback, planned downtime."""
    drop: PendingDrop | None = None
    """A Ray cluster under preparation that nobody wants any more; looked at when nothing is to be applied."""


def _sticky(scope: Scope, intended: Intent, observed: Observed, back: Rollback | None = None) -> Sticky:
    """What is in force: of the live RayService; in a rollback, of the one that it goes back to."""
    live = sticky_of(None if foreign(scope) else scope.child)
    if back is not None:
        return switch.kept(scope, back.revision.sticky, live, observed)
    asked = intended.spec.rollout.restarted_at if intended.spec is not None else None
    return switch.kept(scope, replace(live, restarted_at=asked or live.restarted_at), live, observed)


def _decide(scope: Scope, intended: Intent, observed: Observed, sticky: Sticky) -> Decision | None:
    plan, spec = intended.plan, intended.spec
    if plan is None or spec is None:
        return None
    child = None if foreign(scope) else scope.child

    def decided(kept: Sticky) -> Decision:
        return decide(scope, child, spec.rollout, observed, kept, lambda chosen: rayservice(plan, child, chosen))

    return versioned(scope, sticky, decided)


def _at_rest(scope: Scope, intended: Intent) -> bool:
    """Nothing is to be written for this spec."""
    spec = intended.spec
    return spec is None or spec.paused or spec.suspend or foreign(scope) or scope.apply_error is not None


def _in_force(scope: Scope, user: Intent, back: Rollback) -> Intent:
    """The workload of the revision, under everything else that the user says. Invalid: the policy forbids it by now."""
    raw = scope.parent["spec"]
    rest = {key: value for key, value in raw.items() if key not in WORKLOAD}
    return intent(replace(scope, parent={**scope.parent, "spec": {**rest, **back.revision.spec}}))


def _progress(
    scope: Scope, decision: Decision | None, back: Rollback | None, failed: tuple[Reason, str] | None
) -> Progress:
    if decision is None:
        return Progress(retries=tuple(scope.status.get("retries") or ()), rollback=_entry(scope, back))
    return Progress(
        held=decision.choice.message if decision.held else "",
        waits=decision.choice.waits if decision.held else "",
        failed=failed,
        rolled_back=back.message if back is not None else "",
        exhausted=decision.retries.exhausted,
        retries=tuple(each.entry for each in decision.retries.entries),
        rollback=_entry(scope, back),
    )


def _entry(scope: Scope, back: Rollback | None) -> dict[str, object] | None:
    if back is not None:
        return back.entry(scope.generation)
    return dict(rollback.NONE) if isinstance(scope.status.get("rollback"), Mapping) else None


def stand(scope: Scope) -> Stand:
    """Pure, like everything that it calls."""
    observed = observe(None if foreign(scope) else scope.child)
    user = intent(scope)
    back = rollback.standing(scope) if user.plan is not None else None
    if back is not None:
        return _going_back(scope, user, observed, back, announce=False)
    return _stand(scope, user, observed, _decide(scope, user, observed, _sticky(scope, user, observed)), None, None)


def _arrived(facts: Facts) -> bool:
    """Everything runs as configured, and nothing that was asked fails to answer: late, but not failed."""
    observed = facts.observed
    found = (probed(facts.scope, observed, each["name"]) for each in facts.served)
    silent = any(each is not None and not each.served and not each.warming for each in found)
    return bool(facts.served) and facts.deployed and observed.settled and not observed.pending_cluster and not silent


def failing(scope: Scope, standing: Stand, facts: Facts) -> Stand | None:
    """Where things stand when the change under way turns out to have failed: gone back if there is anything to go back to;
    None when it has not failed. `facts`: of `standing`."""
    user, decision = standing.intended, standing.decision
    if decision is None or user.spec is None or standing.back is not None or _at_rest(scope, user):
        return None
    if decision.held or facts.apply_pending:  # another change is about to begin
        return None
    failed = failure(scope, facts.observed, user.spec.rollout, decision.retries.exhausted)
    if failed is None or _arrived(facts):
        return None
    back = rollback.begin(scope, failed, decision.sticky) if user.spec.rollout.auto_rollback else None
    if back is None:
        return _stand(scope, user, facts.observed, decision, None, (failed.reason, failed.message))
    return _going_back(scope, user, facts.observed, back, announce=True)


def _going_back(scope: Scope, user: Intent, observed: Observed, back: Rollback, *, announce: bool) -> Stand:
    intended = _in_force(scope, user, back)
    decision = _decide(scope, intended, observed, _sticky(scope, intended, observed, back))
    made = _stand(scope, intended, observed, decision, back, None)
    return replace(made, announce=announce or made.announce)


def _stand(
    scope: Scope,
    intended: Intent,
    observed: Observed,
    decision: Decision | None,
    back: Rollback | None,
    failed: tuple[Reason, str] | None,
) -> Stand:
    wanted, drop = compared(scope, decision.wanted) if decision is not None else None, None
    if decision is not None and wanted is not None and not wanted.apply_needed(scope):
        # What an old KubeRay dropped from the live object is no change.
        decision = replace(decision, choice=Choice(Way.NOTHING))
        drop = pending.drop(scope, observed, wanted.rayservice, back)
    if drop is not None and back is not None:
        back = replace(back, dropped=tuple(dict.fromkeys((*back.dropped, drop.cluster))))
    return Stand(
        intended=intended,
        decision=decision,
        wanted=wanted,
        progress=_progress(scope, decision, back, failed),
        back=back,
        announce=decision is not None
        and decision.recreates
        and not decision.announced
        and not _at_rest(scope, intended),
        drop=drop,
    )
