"""Facts → the whole status object. The caller writes it only if it differs from the last one."""

from collections.abc import Sequence
from typing import Any

from llm_operator.api.conditions import Status, merge
from llm_operator.plan.plan import Plan
from llm_operator.status.conditions import Facts


def _ready_count(served: Sequence[dict[str, Any]]) -> str:
    return f"{sum(entry['ready'] == Status.TRUE for entry in served)}/{len(served)}"


def _url(plan: Plan) -> str:
    """Of the first model; without models, of the first application."""
    return plan.url_of(plan.models[0]) if plan.models else plan.url_of_application(plan.applications[0])


def _applications(facts: Facts) -> dict[str, Any]:
    """Absent as long as there never were any: a list that was written once is written empty, since what an apply drops as a
    whole comes back as null."""
    if not facts.applications and "applications" not in facts.scope.status:
        return {}
    return {"applications": list(facts.applications), "applicationsReady": _ready_count(facts.applications)}


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


def _rollout(facts: Facts) -> dict[str, Any]:
    """Absent as long as nothing was ever tried again or rolled back; see _applications."""
    last, progress = facts.scope.status, facts.progress
    retries = {"retries": list(progress.retries)} if progress.retries or "retries" in last else {}
    return retries | ({"rollback": progress.rollback} if progress.rollback is not None else {})


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
        **_applications(facts),
        "rayService": _ray_service(facts),
        **_rollout(facts),
    }
    if plan is None:
        return status | {key: last[key] for key in ("url", "replicas", "gpus", "renderVersion") if key in last}
    stopped = facts.suspended
    return status | {
        "url": _url(plan),
        "replicas": "0" if stopped else plan.replicas,
        "gpus": "0" if stopped else plan.gpus,
        "renderVersion": facts.render_version or plan.render_version,
    }
