"""The operator as one pure function: Scope → Outcome. The only place that orders validation, plan, render and status.

It runs in the operator, in `llm-operator render`, and in tests. Tests: tests/golden (a CR in, whole objects out).
"""

from dataclasses import replace

from llm_operator.outcome import Outcome
from llm_operator.plan.inputs import Scope
from llm_operator.stages.decision import Stand, failing, stand
from llm_operator.stages.events import transitions, warnings
from llm_operator.stages.gather import gather
from llm_operator.stages.probing import probing
from llm_operator.stages.writes import nothing, settled, settling, writes
from llm_operator.status.build import build
from llm_operator.status.change_record import announced
from llm_operator.status.conditions import Facts
from llm_operator.status.last_change import LastChange, last_change
from llm_operator.status.stalls import deletions


def sync(scope: Scope) -> Outcome:
    """What has to be written for this scope. Pure: the same scope gives the same outcome."""
    standing = stand(scope)
    facts = gather(scope, standing)
    if (failed := failing(scope, standing, facts)) is not None:
        standing, facts = failed, gather(scope, failed)
    plan = standing.intended.plan
    outcome = _outcome(scope, standing, facts)
    stalled = deletions(scope, plan) if plan is not None else ()
    return replace(outcome, probing=probing(scope, plan, facts), pod_deletions=stalled)


def _change(scope: Scope, standing: Stand, facts: Facts) -> LastChange:
    decision = standing.decision
    if decision is None or not decision.recreates:
        return last_change(facts)
    return last_change(facts, announced(scope, decision.change, decision.choice.way, decision.message))


def _outcome(scope: Scope, standing: Stand, facts: Facts) -> Outcome:
    spec = standing.intended.spec
    change = _change(scope, standing, facts)
    facts = replace(facts, settling=settling(scope, standing, facts, change))
    status = build(facts, None if standing.progress.held else standing.intended.plan) | change.fields
    previous = {entry["type"]: entry for entry in scope.status.get("conditions") or ()}
    events = (*transitions(facts, previous), *warnings(facts, previous), *((change.event,) if change.event else ()))
    said = Outcome(status=status, events=events, requeue_after=change.wait)
    if spec is None or spec.paused or facts.foreign or not scope.kuberay_installed:
        return said
    if spec.suspend:
        return replace(said, delete_child=scope.child is not None)
    if nothing(standing, facts):
        return replace(said, requeue_after=settled(scope, standing, facts, change))
    return writes(scope, standing, facts, said, settled(scope, standing, facts, change))
