"""Facts → the whole status object. The caller writes it only if it differs from the last one."""

from collections.abc import Sequence
from typing import Any

from llm_operator.api.conditions import Status, merge
from llm_operator.api.names import RENDER_VERSION
from llm_operator.plan.plan import Plan
from llm_operator.status.conditions import Facts


def _ready_count(models: Sequence[dict[str, Any]]) -> str:
    return f"{sum(model['ready'] == Status.TRUE for model in models)}/{len(models)}"


def _ray_service(facts: Facts) -> dict[str, Any]:
    observed = facts.observed
    if not observed.exists or facts.foreign:
        # Never {}: when an apply drops every field of a map, the API server stores null, and then refuses it.
        return {"name": "", "generation": 0, "activeCluster": "", "pendingCluster": ""}
    # The generation that our last apply left: while one is pending (or paused), a foreign edit must stay visible.
    last = (facts.scope.status.get("rayService") or {}).get("generation", 0)
    return {
        "name": facts.scope.name,
        "generation": last if facts.apply_pending else observed.generation,
        "activeCluster": observed.active_cluster,
        "pendingCluster": observed.pending_cluster,
    }


def build(facts: Facts, plan: Plan | None) -> dict[str, Any]:
    """`plan` is None while the spec is wrong: what it would say is kept from the last status."""
    scope, last = facts.scope, facts.scope.status
    status: dict[str, Any] = {
        "observedGeneration": scope.generation,
        "conditions": merge(
            facts.conditions(), last.get("conditions") or (), generation=scope.generation, now=scope.now
        ),
        "models": list(facts.models),
        "modelsReady": _ready_count(facts.models),
        "rayService": _ray_service(facts),
    }
    if plan is None:
        return status | {key: last[key] for key in ("url", "replicas", "gpus", "renderVersion") if key in last}
    stopped = facts.suspended
    return status | {
        "url": plan.url_of(plan.models[0]),
        "replicas": "0" if stopped else plan.replicas,
        "gpus": "0" if stopped else plan.gpus,
        "renderVersion": RENDER_VERSION,
    }
