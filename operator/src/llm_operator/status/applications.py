"""`status.applications[]`: each custom application from Serve's own states."""

from typing import Any

from llm_operator.api.conditions import truncate
from llm_operator.api.status_types import MAX_STATE
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import ApplicationPlan, Plan
from llm_operator.status.models import state_now
from llm_operator.status.observed import Observed


def _application(scope: Scope, plan: Plan, observed: Observed, application: ApplicationPlan) -> dict[str, Any]:
    ready, state, message = state_now(scope, observed, application.name, "applications")
    return {
        "name": application.name,
        "ready": ready.value,
        "url": plan.url_of_application(application),
        "state": state[:MAX_STATE],
        "message": truncate(message),
    }


def applications(scope: Scope, plan: Plan, observed: Observed) -> list[dict[str, Any]]:
    """In the order of spec.applications."""
    return [_application(scope, plan, observed, application) for application in plan.applications]
