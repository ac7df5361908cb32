"""`status.models[]`: each model from Serve's own states."""

from typing import Any

from llm_operator.api.conditions import Status, truncate
from llm_operator.api.status_types import MAX_STATE
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import ModelPlan, Plan, span
from llm_operator.status.observed import Application, Observed


def state_of(scope: Scope, observed: Observed, name: str, kind: str = "models") -> tuple[Status, str, str]:
    """Ready, state and message of one Serve application; `kind`: the list of the status that it is in. While a new cluster
    is prepared, KubeRay blanks the active one's applications (1.6.2, rayservice_controller.go): then the last known state
    stands as long as there are endpoints."""
    application: Application = observed.application(name)
    if application.status == "" and observed.pending_cluster and observed.active_cluster and observed.ready:
        last: dict[str, Any] = next((entry for entry in scope.status.get(kind) or () if entry.get("name") == name), {})
        if last.get("ready") == Status.TRUE:
            return (
                Status.TRUE,
                str(last.get("state", "")),
                observed.pending_applications.get(name, application).text,
            )
    if application.status == "":
        pending = observed.pending_applications.get(name, application)
        # Requests reach a cluster only when it is the active one.
        ready = Status.FALSE if pending.ready is Status.TRUE else pending.ready
        return ready, pending.state, pending.text
    return application.ready, application.state, application.text


def _model(scope: Scope, plan: Plan, observed: Observed, model: ModelPlan) -> dict[str, Any]:
    serving = model.serving
    ready, state, message = state_of(scope, observed, serving.model_id)
    return {
        "name": serving.model_id,
        "ready": ready.value,
        "url": plan.url_of(model),
        "accelerators": model.accelerators,
        "replicas": span(model.min_replicas, model.max_replicas),
        **({"schedule": model.window} if model.window else {}),
        "state": state[:MAX_STATE],
        "message": truncate(message),
    }


def models(scope: Scope, plan: Plan, observed: Observed) -> list[dict[str, Any]]:
    """In the order of spec.models."""
    return [_model(scope, plan, observed, model) for model in plan.models]


def carried(scope: Scope, observed: Observed, kind: str = "models") -> list[dict[str, Any]]:
    """The models (or `applications`) of the last good spec, while the new one is wrong: they go on serving."""
    entries = []
    for last in scope.status.get(kind) or ():
        ready, state, message = state_of(scope, observed, last["name"], kind)
        entries.append({**last, "ready": ready.value, "state": state[:MAX_STATE], "message": truncate(message)})
    return entries
