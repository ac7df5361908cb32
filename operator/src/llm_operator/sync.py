"""The operator as one pure function: Scope → Outcome. The only place that orders validation, plan, render and status.

It runs in the operator, in `llm-operator render`, and in tests. Tests: tests/golden (a CR in, whole objects out).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from llm_operator.api import names
from llm_operator.api.conditions import Condition, ConditionType, Reason, truncate
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.validation import validate
from llm_operator.outcome import ClusterPatch, Event, Outcome
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import Plan
from llm_operator.plan.resolve import resolve
from llm_operator.render.bounds import cluster_patch
from llm_operator.render.drift import differences
from llm_operator.render.rayservice import rayservice
from llm_operator.status.applications import applications
from llm_operator.status.build import build
from llm_operator.status.conditions import Facts
from llm_operator.status.diagnosis import diagnose
from llm_operator.status.models import carried, models
from llm_operator.status.observed import Observed, observe

DRIFT_CORRECTED: Final = "DriftCorrected"
# Applications of the user's own have the route that the spec says.
_LLM_BUILDERS: Final = "ray.serve.llm"
CHILD_RECREATED: Final = "ChildRecreated"
_WATCHED: Final = (ConditionType.READY, ConditionType.ACCEPTED, ConditionType.RENDERED, ConditionType.DEGRADED)


@dataclass(frozen=True, slots=True)
class _Desired:
    """What should be there, and how far the live child is from it."""

    rayservice: dict[str, Any]
    edited: bool
    """The rendered spec is not the one that was applied last."""
    drift: tuple[str, ...]
    """Paths at which the live object differs from the rendered one."""

    def apply_needed(self, scope: Scope) -> bool:
        """A drift that our own last apply could not mend (pruned fields) is reported, not applied again and again."""
        if scope.applied:
            return False
        if scope.child is None or self.edited:
            return True
        seen = (scope.status.get("rayService") or {}).get("generation")
        return bool(self.drift) and (scope.child["metadata"].get("generation") != seen or self.metadata_drift)

    @property
    def metadata_drift(self) -> bool:
        """Labels, annotations and owners do not raise the generation."""
        return any(path.startswith("metadata.") for path in self.drift)


def routes(scope: Scope) -> dict[str, str]:
    """Route prefixes in force: what the last status says, and what the live Serve configuration says of other models. The
    status wins, since only the operator writes it: a route that was edited by hand is restored, not adopted."""
    models = scope.status.get("models") or ()
    reported = {model["name"]: _route_of(model["url"]) for model in models if model.get("url")}
    return {**_live_routes(scope), **reported}


def _live_routes(scope: Scope) -> dict[str, str]:
    if scope.child is None or _foreign(scope):
        return {}
    try:
        config = json.loads(scope.child.get("spec", {}).get("serveConfigV2", "{}"))
        models = (app for app in config.get("applications", ()) if str(app["import_path"]).startswith(_LLM_BUILDERS))
        return {str(app["name"]): str(app["route_prefix"]) for app in models}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # edited by hand into something else


def _route_of(url: str) -> str:
    """`http://x-serve-svc.ns.svc:8000/name/v1` → `/name`."""
    return "/" + url.partition("://")[2].partition("/")[2].removesuffix("v1").strip("/")


def _foreign(scope: Scope) -> bool:
    """Somebody else's RayService has our name: never adopted, never touched."""
    if scope.child is None:
        return False
    owners = scope.child["metadata"].get("ownerReferences") or ()
    return not any(owner.get("uid") == scope.parent["metadata"].get("uid") for owner in owners)


def _desired(scope: Scope, plan: Plan) -> _Desired:
    wanted = rayservice(plan, None if _foreign(scope) else scope.child)
    live = scope.child or {}
    annotations = live.get("metadata", {}).get("annotations") or {}
    key = names.SPEC_HASH_ANNOTATION
    return _Desired(
        rayservice=wanted,
        edited=annotations.get(key) != wanted["metadata"]["annotations"][key],
        drift=tuple(differences(wanted, live)) if scope.child is not None else (),
    )


def _plan(scope: Scope) -> tuple[LLMDeploymentSpec | None, Plan | None, InvalidSpec | None]:
    metadata = scope.parent["metadata"]
    try:
        spec = validate(scope.name, scope.parent.get("spec"))
        uid = str(metadata.get("uid", ""))
        now = datetime.fromisoformat(scope.now)
        plan = resolve(
            spec,
            name=scope.name,
            namespace=scope.namespace,
            uid=uid,
            routes=routes(scope),
            now=now,
            policy=scope.policy,
        )
        return spec, plan, None
    except InvalidSpec as invalid:
        return None, None, invalid


def _touched(scope: Scope) -> bool:
    """Somebody else changed the child's spec, while nobody changed ours."""
    generation = (scope.child or {}).get("metadata", {}).get("generation")
    same_spec = scope.status.get("observedGeneration") == scope.generation
    return same_spec and generation != (scope.status.get("rayService") or {}).get("generation")


def _drift_events(scope: Scope, desired: _Desired) -> tuple[Event, ...]:
    if scope.child is None:
        if (scope.status.get("rayService") or {}).get("name"):
            return (Event("Normal", CHILD_RECREATED, f'RayService "{scope.name}" was gone and is made again'),)
        return ()
    if not desired.drift or (desired.edited and not _touched(scope)):
        return ()
    paths = ", ".join(desired.drift[:5]) + (" and more" if len(desired.drift) > 5 else "")
    return (Event("Normal", DRIFT_CORRECTED, truncate(f"RayService was changed by somebody else, restored: {paths}")),)


def _transitions(facts: Facts, previous: Mapping[str, Mapping[str, Any]]) -> tuple[Event, ...]:
    """An event for each reason for which a watched condition is not what it was; none at the very first look. Several
    conditions that change for one reason are one event, a Warning if one of them is."""
    events: dict[Reason, Event] = {}
    for condition in facts.conditions():
        old = previous.get(condition.type.value)
        if condition.type not in _WATCHED or old is None:
            continue
        if (old.get("status"), old.get("reason")) == (condition.status.value, condition.reason.value):
            continue
        note = truncate(f"{condition.type}={condition.status}. {condition.message}")
        said = events.get(condition.reason, Event("Normal", condition.reason.value, note))
        events[condition.reason] = replace(said, type="Warning") if _severity(condition) == "Warning" else said
    return tuple(events.values())


def _severity(condition: Condition) -> str:
    if condition.reason is Reason.PAUSED:
        return "Normal"
    bad = condition.is_true if condition.type is ConditionType.DEGRADED else condition.status.value == "False"
    waiting = condition.type is ConditionType.READY
    return "Warning" if bad and not waiting else "Normal"


def _patches(scope: Scope, desired: _Desired, observed: Observed) -> tuple[ClusterPatch, ...]:
    groups = desired.rayservice["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    live = {observed.active_cluster, observed.pending_cluster}
    found = (cluster_patch(cluster, groups) for cluster in scope.clusters if cluster["metadata"]["name"] in live)
    return tuple(patch for patch in found if patch is not None)


def _facts(
    scope: Scope,
    desired: _Desired | None,
    spec: LLMDeploymentSpec | None,
    invalid: InvalidSpec | None,
    plan: Plan | None,
) -> Facts:
    foreign = _foreign(scope)
    observed = observe(None if foreign else scope.child)
    needed = desired is not None and desired.apply_needed(scope)
    stuck = desired is not None and not needed and not desired.edited and bool(desired.drift)
    return Facts(
        scope=scope,
        observed=observed,
        spec=spec,
        invalid=invalid,
        path=plan.fast_path if plan is not None else None,
        models=tuple(models(scope, plan, observed) if plan is not None else carried(scope, observed)),
        applications=tuple(
            applications(scope, plan, observed) if plan is not None else carried(scope, observed, "applications")
        ),
        cause=diagnose(scope, observed) if observed.exists else None,
        apply_pending=needed,
        foreign=foreign,
        pruned=desired.drift if desired is not None and stuck else (),
    )


def sync(scope: Scope) -> Outcome:
    """What has to be written for this scope. Pure: the same scope gives the same outcome."""
    spec, plan, invalid = _plan(scope)
    desired = _desired(scope, plan) if plan is not None else None
    facts = _facts(scope, desired, spec, invalid, plan)
    status = build(facts, plan)
    events = _transitions(facts, {entry["type"]: entry for entry in scope.status.get("conditions") or ()})
    if spec is None or plan is None or desired is None or spec.paused or facts.foreign or not scope.kuberay_installed:
        return Outcome(status=status, events=events)
    if spec.suspend:
        return Outcome(status=status, events=events, delete_child=scope.child is not None)
    if facts.apply_pending and scope.apply_error is None:
        return Outcome(status=status, apply=desired.rayservice, events=_drift_events(scope, desired))
    if facts.apply_pending:  # refused: bounds that no RayService has would be wrong in the live clusters too
        return Outcome(status=status, events=events, requeue_after=plan.next_change)
    patches = _patches(scope, desired, facts.observed)
    return Outcome(status=status, events=events, patches=patches, requeue_after=plan.next_change)
