"""Further children beside the RayService: what has to be written, and what stands in the way."""

from collections.abc import Iterable
from typing import Any

from llm_operator.api.conditions import Reason
from llm_operator.outcome import Removal
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import Plan
from llm_operator.render.children import changes, children, conflict


def others(
    scope: Scope, plan: Plan, more: Iterable[dict[str, Any]] = ()
) -> tuple[tuple[dict[str, Any], ...], tuple[Removal, ...]]:
    """Objects to apply and to delete; `more`: wanted ones (stamped) beside those that follow from the plan. After a refusal
    nothing is tried again in the same reconcile."""
    return ((), ()) if scope.objects_error is not None else changes(scope, (*children(plan), *more))


def problem(scope: Scope, plan: Plan | None) -> tuple[Reason, str] | None:
    """Why one of them is not as it should be, for people; None when all is well."""
    if scope.objects_error is not None:
        return Reason.APPLY_REJECTED, scope.objects_error
    found = conflict(scope, children(plan)) if plan is not None else None
    return (Reason.NAME_CONFLICT, f"{found}: remove it or rename this object") if found is not None else None
