"""What the prober has to do from now on: ask everything that should answer, count the tokens that are to be counted."""

from llm_operator.outcome import Probing
from llm_operator.plan import probing as questions
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import Plan
from llm_operator.status.conditions import Facts
from llm_operator.status.models import state_of
from llm_operator.status.serving import asked_for, was_served


def probing(scope: Scope, plan: Plan | None, facts: Facts) -> Probing | None:
    """None while the spec is wrong: what ran before is asked as before."""
    if plan is None:
        return None
    if facts.foreign or facts.suspended or not facts.observed.exists:
        return Probing()
    observed, targets = facts.observed, []
    for kind, entries in (("models", facts.models), ("applications", facts.applications)):
        for name in (entry["name"] for entry in entries):
            said = state_of(scope, observed, name, kind)
            if asked_for(scope, observed, name, kind, said):
                known = was_served(scope, observed, name, kind)
                inside = plan.inside(observed.active_cluster)
                targets.append(questions.target(inside, name, observed.active_cluster, known=known))
    return Probing(tuple(target for target in targets if target is not None), questions.progress(plan))
