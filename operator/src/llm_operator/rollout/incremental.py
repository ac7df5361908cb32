"""What strategy Incremental needs before it is used, and when a change has to wait for it.

KubeRay 1.6.2 takes upgradeStrategy NewClusterWithIncrementalUpgrade for None while its feature gate
RayServiceIncrementalUpgrade is off (controllers/ray/rayservice_controller.go, isZeroDowntimeUpgradeEnabled): a change of
the Ray cluster is then never carried out, and nothing says so. Nothing in the API shows the gate; its effect on the status does.
"""

from dataclasses import replace
from typing import Final

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.checks.rollout import steps
from llm_operator.api.spec.rollout import Rollout
from llm_operator.api.way import Way
from llm_operator.change.model import Change
from llm_operator.plan.inputs import Object, Scope
from llm_operator.render.rayservice import INCREMENTAL
from llm_operator.rollout.choice import Choice
from llm_operator.status.observed import Observed

GATE: Final = "RayServiceIncrementalUpgrade"
_DISRUPTS: Final = (ChangeClass.REPLICA_RESTART, ChangeClass.NEW_CLUSTER)


def stepwise(rayservice: Object | None) -> bool:
    """Whether a RayService asks for step by step upgrades."""
    strategy = ((rayservice or {}).get("spec") or {}).get("upgradeStrategy") or {}
    return bool(strategy.get("type") == INCREMENTAL)


def gate_off(observed: Observed) -> bool:
    """KubeRay has named a Ray cluster, and does not count its share: it ignores the strategy. (Of a stepwise RayService.)"""
    return bool(observed.active_cluster or observed.pending_cluster) and not observed.stepwise


def _held(message: str) -> Choice:
    return Choice(Way.HOLD, message, instead=True)


def missing(scope: Scope, rollout: Rollout) -> str:
    """What strategy Incremental lacks here, and what to do; empty when it lacks nothing that can be seen."""
    allowed, seen = scope.policy.gateway_classes, scope.gateway
    wanted = rollout.incremental.gateway_class_name if rollout.incremental is not None else ""
    if not allowed:
        return (
            f"spec.rollout.strategy Incremental is not switched on: it needs KubeRay with --feature-gates={GATE}=true, the Gateway API, "
            "and the chart value operator.gatewayClasses; choose another strategy, or ask the administrator"
        )
    if wanted not in allowed:
        known = ", ".join(allowed)
        return f'spec.rollout.incremental.gatewayClassName "{wanted}" is not allowed: the administrator allows {known}'
    if seen is not None and not seen.served:
        return (
            "spec.rollout.strategy Incremental needs the Gateway API: the cluster has no gateway.networking.k8s.io/v1 Gateway and "
            "HTTPRoute; install it, or choose another strategy"
        )
    if seen is not None and not seen.class_found:
        return f'there is no GatewayClass "{wanted}" (spec.rollout.incremental.gatewayClassName): install its controller, or name another'
    return ""


def ignored(scope: Scope, observed: Observed) -> str:
    """Why a RayService that asks for step by step upgrades does not get them; empty when it does, or when it does not ask."""
    if not stepwise(scope.child) or not gate_off(observed):
        return ""
    return (
        f"KubeRay ignores spec.rollout.strategy Incremental: its feature gate {GATE} is off; switch it on (--feature-gates={GATE}=true), or "
        "choose another strategy"
    )


def _switch(scope: Scope, rollout: Rollout, observed: Observed) -> Choice | None:
    """The live RayService is upgraded step by step, and should not be, or the other way round."""
    leaving = stepwise(scope.child)
    if leaving and gate_off(observed):
        return None
    if not observed.active_cluster or (leaving and rollout.strategy == "Recreate"):
        said = (
            "planned downtime: the RayService is made anew"
            if observed.active_cluster
            else "nothing is served yet: it starts anew"
        )
        return Choice(
            Way.RECREATE, f"{said}, since strategy Incremental has other Services than the rest", instead=True
        )
    instead = "choose strategy Recreate, or " if leaving else ""
    return _held(
        f"spec.rollout.strategy Incremental cannot be {'left' if leaving else 'chosen'} while the RayService is there, since clients would "
        f"lose their Service: {instead}set spec.suspend to true, and to false again when the RayService is gone (planned downtime)"
    )


def _moves(observed: Observed, change: Change) -> bool:
    """Requests move to a pending Ray cluster where all is well: KubeRay brings it to an end. Where all is not well, the edit may
    be what mends it."""
    found = observed.pending_applications
    return observed.moved_percent > 0 and all(
        name in found and found[name].status == "RUNNING" for name in change.restarted
    )


def obstacle(scope: Scope, child: Object | None, rollout: Rollout, observed: Observed, change: Change) -> Choice | None:
    """What is done instead of the change, where strategy Incremental is asked for or in force; None: nothing is in the way."""
    wanted = rollout.strategy == "Incremental"
    if change.change_class is ChangeClass.NONE or not (wanted or stepwise(child)):
        return None
    starts = child is None or stepwise(child) != wanted
    if wanted and (starts or change.change_class in _DISRUPTS):
        lacking = missing(scope, rollout) or ignored(scope, observed)
        if lacking:
            return _held(lacking)
    if child is not None and starts:
        return _switch(scope, rollout, observed)
    if wanted and change.change_class is ChangeClass.REPLICA_RESTART and _moves(observed, change):
        to = observed.pending_cluster
        return replace(
            _held(
                f"replicas would have to restart while requests move to Ray cluster {to}: the edit waits until that is through"
            ),
            waits=f"the edit waits until Ray cluster {to} answers all requests",
        )
    return None


def pace(rollout: Rollout) -> str:
    """How requests move, for people."""
    numbers = rollout.incremental
    if numbers is None:
        return ""
    return (
        f"not all at once: {numbers.step_size_percent} % of the requests every {numbers.interval_seconds} s, "
        f"{numbers.max_surge_percent} % of the replicas at a time, at most {steps(numbers)} steps (strategy Incremental)"
    )
