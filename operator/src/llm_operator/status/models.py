"""`status.models[]`: each model from Serve's own states."""

from typing import Any

from llm_operator.api.conditions import Status, truncate
from llm_operator.api.status_types import MAX_STATE
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import ModelPlan, Plan, span
from llm_operator.status.observed import Application, Observed
from llm_operator.status.serving import ASLEEP, State, asleep, judged
from llm_operator.status.stalls import stall_restarts


def state_of(scope: Scope, observed: Observed, name: str, kind: str = "models") -> State:
    """What KubeRay and Serve report of one Serve application; `kind`: the list of the status that it is in. While a new cluster
    is prepared, KubeRay blanks the active one's applications (1.6.2, rayservice_controller.go), until its next look after
    that: then the last known state stands as long as there are endpoints."""
    application: Application = observed.application(name)
    blanked = bool(observed.active_cluster) and (bool(observed.pending_cluster) or not observed.settled)
    if application.status == "" and blanked and observed.ready:
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


def state_now(scope: Scope, observed: Observed, name: str, kind: str = "models") -> State:
    """The same, with what the prober found out."""
    return judged(scope, observed, name, kind, state_of(scope, observed, name, kind))


def _model(scope: Scope, plan: Plan, observed: Observed, model: ModelPlan) -> dict[str, Any]:
    serving = model.serving
    ready, state, message = state_now(scope, observed, serving.model_id)
    if ready is Status.TRUE and asleep(scope, observed, model):
        message = ASLEEP
    restarts = stall_restarts(scope, model).times
    return {
        "name": serving.model_id,
        "ready": ready.value,
        "url": plan.url_of(model),
        "accelerators": model.accelerators,
        "replicas": span(model.min_replicas, model.max_replicas),
        **({"schedule": model.window} if model.window else {}),
        "state": state[:MAX_STATE],
        "message": truncate(message),
        **({"stallRestarts": list(restarts)} if restarts else {}),
    }


def models(scope: Scope, plan: Plan, observed: Observed) -> list[dict[str, Any]]:
    """In the order of spec.models."""
    return [_model(scope, plan, observed, model) for model in plan.models]


def carried(scope: Scope, observed: Observed, kind: str = "models") -> list[dict[str, Any]]:
    """The models (or `applications`) of the last good spec, while the new one is wrong: they go on serving."""
    entries = []
    for last in scope.status.get(kind) or ():
        ready, state, message = state_now(scope, observed, last["name"], kind)
        entries.append({**last, "ready": ready.value, "state": state[:MAX_STATE], "message": truncate(message)})
    return entries
