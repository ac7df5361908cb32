"""First stage: which spec is in force, and what it means (its plan)."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from llm_operator.api.errors import InvalidSpec
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.validation import validate
from llm_operator.plan.inputs import Policy, Scope
from llm_operator.plan.plan import Plan
from llm_operator.plan.resolve import resolve
from llm_operator.rollout.incremental import ignored
from llm_operator.stages.routes import routes
from llm_operator.status.observed import observe

_KEPT: Final = 64
"""Specs and plans that are kept for the next look, about 18 KiB each: one object is looked at two or three times in a reconcile,
and other workers look at theirs in between."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is wanted. `spec` and `plan` are None when the spec is wrong: then `invalid` says why."""

    spec: LLMDeploymentSpec | None
    plan: Plan | None
    invalid: InvalidSpec | None


def _gateway(scope: Scope, spec: LLMDeploymentSpec) -> str | None:
    """Address of the Gateway; None where requests come by the Service, also since KubeRay ignores the strategy."""
    if spec.rollout.strategy != "Incremental" or ignored(scope, observe(scope.child)):
        return None
    return scope.gateway.address if scope.gateway is not None else ""


@lru_cache(maxsize=_KEPT)
def _validated(name: str, raw: str) -> LLMDeploymentSpec | InvalidSpec:
    try:
        return validate(name, json.loads(raw))
    except InvalidSpec as invalid:
        return InvalidSpec(invalid.errors)  # without the traceback, which would keep everything on its way


@lru_cache(maxsize=_KEPT)
def _resolved(
    raw: str,
    name: str,
    namespace: str,
    uid: str,
    routed: tuple[tuple[str, str], ...],
    now: str,
    policy: Policy,
    gateway: str | None,
) -> Plan | InvalidSpec:
    spec = _validated(name, raw)
    if isinstance(spec, InvalidSpec):
        return spec
    try:
        return resolve(
            spec,
            name=name,
            namespace=namespace,
            uid=uid,
            routes=dict(routed),
            now=datetime.fromisoformat(now),
            policy=policy,
            gateway=gateway,
        )
    except InvalidSpec as invalid:
        return InvalidSpec(invalid.errors)


def intent(scope: Scope) -> Intent:
    """Reads the spec of the scope. Never raises for what a user wrote."""
    raw = json.dumps(scope.parent.get("spec"))
    spec = _validated(scope.name, raw)
    if isinstance(spec, InvalidSpec):
        return Intent(None, None, spec)
    plan = _resolved(
        raw,
        scope.name,
        scope.namespace,
        str(scope.parent["metadata"].get("uid", "")),
        tuple(routes(scope).items()),
        scope.now,
        scope.policy,
        _gateway(scope, spec),
    )
    return Intent(None, None, plan) if isinstance(plan, InvalidSpec) else Intent(spec, plan, None)
