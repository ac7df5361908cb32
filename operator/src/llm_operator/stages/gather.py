"""Third stage: the facts that conditions and status are computed from."""

from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Scope
from llm_operator.plan.warnings import Warned, warnings
from llm_operator.render.drain import seconds_until_the_end
from llm_operator.render.versions import version_of
from llm_operator.rollout.incremental import ignored
from llm_operator.stages.decision import Stand
from llm_operator.stages.others import problem
from llm_operator.stages.ownership import conflict, foreign
from llm_operator.stages.versions import upgrade
from llm_operator.status import serving, stalls
from llm_operator.status.applications import applications
from llm_operator.status.conditions import Facts
from llm_operator.status.diagnosis import diagnose
from llm_operator.status.head import head_cause
from llm_operator.status.models import carried, models
from llm_operator.status.observed import Observed, observe


def _ignored(scope: Scope, observed: Observed) -> tuple[Reason, str] | None:
    """Changes will be held."""
    said = ignored(scope, observed)
    return (Reason.CHANGE_HELD, said) if said else None


def _warnings(standing: Stand) -> tuple[Warned, ...]:
    intended, decision = standing.intended, standing.decision
    if intended.plan is None or intended.spec is None or decision is None:
        return ()
    return warnings(intended.plan, intended.spec, seconds_until_the_end(decision.wanted))


def gather(scope: Scope, standing: Stand) -> Facts:
    """While the spec is wrong, and while a change is held, models and applications are those of the last good one."""
    intended, wanted = standing.intended, standing.wanted
    plan, not_ours = None if standing.progress.held else intended.plan, foreign(scope)
    observed = observe(None if not_ours else scope.child)
    needed = wanted is not None and wanted.apply_needed(scope)
    stuck = wanted is not None and not needed and not wanted.edited and bool(wanted.drift)
    return Facts(
        scope=scope,
        observed=observed,
        spec=intended.spec,
        invalid=intended.invalid,
        path=intended.plan.fast_path if intended.plan is not None else None,
        models=tuple(models(scope, plan, observed) if plan is not None else carried(scope, observed)),
        applications=tuple(
            applications(scope, plan, observed) if plan is not None else carried(scope, observed, "applications")
        ),
        cause=diagnose(scope, observed, plan, head_cause(scope, observed)) if observed.exists else None,
        stalled=stalls.problem(scope, plan) if plan is not None else "",
        asleep=plan is not None
        and not plan.applications
        and all(serving.asleep(scope, observed, model) for model in plan.models),
        apply_pending=needed,
        conflict=conflict(scope),
        render_version="" if not_ours else version_of(scope.child),
        render_upgrade=None if not_ours else upgrade(scope, version_of(scope.child)),
        others_problem=problem(scope, plan) or (None if not_ours else _ignored(scope, observed)),
        warnings=_warnings(standing) if plan is not None else (),
        progress=standing.progress,
        pruned=wanted.drift if wanted is not None and stuck else (),
    )
