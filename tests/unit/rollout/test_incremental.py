"""Strategy Incremental: what stands in the way, when KubeRay ignores it, and how a Ray cluster under preparation goes."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from llm_operator.api.change_class import ChangeClass
from llm_operator.api.spec.rollout import Rollout
from llm_operator.api.way import Way
from llm_operator.change.model import ApplicationChange, Change, Demand
from llm_operator.plan.inputs import DEFAULT_POLICY, GatewaySeen, Scope
from llm_operator.rollout.incremental import gate_off, ignored, missing, obstacle, pace, stepwise
from llm_operator.rollout.pending import drop
from llm_operator.rollout.strategy import choose
from llm_operator.status.observed import Observed, observe

STEPWISE = "NewClusterWithIncrementalUpgrade"
COUNTED = {"targetCapacity": 100}
NUMBERS = {"gatewayClassName": "istio", "stepSizePercent": 30, "intervalSeconds": 60, "maxSurgePercent": 50}
INCREMENTAL = Rollout.model_validate({"strategy": "Incremental", "incremental": NUMBERS})
PARENT = {"metadata": {"name": "chat", "namespace": "llm", "uid": "u"}, "spec": {}}


def child(kind: str, *, active: str = "", pending: str = "", counted: dict[str, Any] | None = None) -> dict[str, Any]:
    """A RayService; `counted`: what KubeRay counts of its active Ray cluster, or else of the pending one."""
    sides = {"activeServiceStatus": active, "pendingServiceStatus": pending}
    status: dict[str, Any] = {side: {"rayClusterName": name} if name else {} for side, name in sides.items()}
    status["activeServiceStatus" if active else "pendingServiceStatus"] |= counted or {}
    return {"metadata": {"name": "chat"}, "spec": {"upgradeStrategy": {"type": kind}}, "status": status}


def scope(
    live: dict[str, Any] | None, *, classes: tuple[str, ...] = ("istio",), seen: GatewaySeen | None = None
) -> Scope:
    policy = replace(DEFAULT_POLICY, gateway_classes=classes)
    return Scope(parent=PARENT, now="2026-01-01T00:00:00Z", child=live, policy=policy, gateway=seen)


def change(kind: ChangeClass) -> Change:
    """Of application "m"."""
    applications = (ApplicationChange("m", True, kind, ("p",), ("LLMServer:m",), 1),)
    return Change(kind, False, applications, (), (), ("rayVersion",), (), (), Demand(1))


def _obstacle(live: dict[str, Any] | None, rollout: Rollout, kind: ChangeClass, **given: Any) -> Any:
    return obstacle(scope(live, **given), live, rollout, observe(live), change(kind))


@pytest.mark.parametrize(
    ("classes", "seen", "said"),
    [
        ((), None, "is not switched on: it needs KubeRay with --feature-gates=RayServiceIncrementalUpgrade=true"),
        (("envoy", "nginx"), None, '"istio" is not allowed: the administrator allows envoy, nginx'),
        (("istio",), GatewaySeen(served=False, class_found=False), "needs the Gateway API"),
        (("istio",), GatewaySeen(class_found=False), 'there is no GatewayClass "istio"'),
        (("istio",), GatewaySeen(), ""),
        (("istio",), None, ""),
    ],
)  # fmt: skip
def test_missing(classes: tuple[str, ...], seen: GatewaySeen | None, said: str) -> None:
    found = missing(scope(None, classes=classes, seen=seen), INCREMENTAL)
    assert (said in found) if said else found == ""


@pytest.mark.parametrize(
    ("live", "off"),
    [
        (child(STEPWISE), False),  # KubeRay has not looked yet
        (child(STEPWISE, pending="b"), True),
        (child(STEPWISE, pending="b", counted=COUNTED), False),
        (child(STEPWISE, active="a"), True),
        (child(STEPWISE, active="a", counted=COUNTED), False),
        (child(STEPWISE, active="a", counted={"targetCapacity": 0}), False),
        (child(STEPWISE, active="a", counted={"trafficRoutedPercent": 100}), False),  # the gate was switched on later
    ],
)  # fmt: skip
def test_the_gate_shows_in_what_kuberay_counts(live: dict[str, Any], off: bool) -> None:
    assert gate_off(observe(live)) is off
    assert bool(ignored(scope(live), observe(live))) is off
    other = {**live, "spec": {"upgradeStrategy": {"type": "NewCluster"}}}
    assert ignored(scope(other), observe(other)) == ""


@pytest.mark.parametrize("live", [None, {}, {"spec": None}, {"spec": {"upgradeStrategy": None}}, child("NewCluster")])
def test_not_stepwise(live: dict[str, Any] | None) -> None:
    assert not stepwise(live)


SERVES, IGNORED = child(STEPWISE, active="a", counted=COUNTED), child(STEPWISE, active="a")
MOVES = child(STEPWISE, active="a", pending="b", counted=COUNTED)
MOVES["status"]["pendingServiceStatus"] |= {
    "trafficRoutedPercent": 1,
    "applicationStatuses": {"m": {"status": "RUNNING"}},
}
STANDS, BROKEN, UNKNOWN = (copy.deepcopy(MOVES) for _ in range(3))
STANDS["status"]["pendingServiceStatus"]["trafficRoutedPercent"] = 0
BROKEN["status"]["pendingServiceStatus"]["applicationStatuses"]["m"]["status"] = "DEPLOY_FAILED"
UNKNOWN["status"]["pendingServiceStatus"]["applicationStatuses"] = {}
STARTS = child(STEPWISE, pending="b", counted=COUNTED)
PLAIN, PLAIN_STARTS = child("NewCluster", active="a"), child("NewCluster", pending="b")
AUTO, RECREATE = Rollout(), Rollout.model_validate({"strategy": "Recreate"})
IN_PLACE, RESTART, CLUSTER = ChangeClass.IN_PLACE, ChangeClass.REPLICA_RESTART, ChangeClass.NEW_CLUSTER


@pytest.mark.parametrize(
    ("live", "rollout", "kind", "way", "said"),
    [
        (None, AUTO, CLUSTER, None, ""),
        (PLAIN, AUTO, CLUSTER, None, ""),
        (SERVES, AUTO, ChangeClass.NONE, None, ""),
        (None, INCREMENTAL, CLUSTER, None, ""),
        (SERVES, INCREMENTAL, CLUSTER, None, ""),
        (SERVES, INCREMENTAL, RESTART, None, ""),
        (MOVES, INCREMENTAL, CLUSTER, None, ""),  # KubeRay brings the requests back first
        (MOVES, INCREMENTAL, IN_PLACE, None, ""),
        (MOVES, INCREMENTAL, RESTART, Way.HOLD, "while requests move to Ray cluster b: the edit waits"),
        (STANDS, INCREMENTAL, RESTART, None, ""),
        (BROKEN, INCREMENTAL, RESTART, None, ""),  # the edit may be what mends it
        (UNKNOWN, INCREMENTAL, RESTART, None, ""),
        (STARTS, INCREMENTAL, RESTART, None, ""),
        (IGNORED, INCREMENTAL, IN_PLACE, None, ""),
        (IGNORED, INCREMENTAL, RESTART, Way.HOLD, "KubeRay ignores"),
        (IGNORED, INCREMENTAL, CLUSTER, Way.HOLD, "KubeRay ignores"),
        (IGNORED, AUTO, CLUSTER, None, ""),  # its Services are those of the other strategies
        (SERVES, AUTO, IN_PLACE, Way.HOLD, "cannot be left while the RayService is there"),
        (SERVES, AUTO, CLUSTER, Way.HOLD, "choose strategy Recreate, or set spec.suspend"),
        (SERVES, RECREATE, CLUSTER, Way.RECREATE, "planned downtime"),
        (SERVES, RECREATE, IN_PLACE, Way.RECREATE, "planned downtime"),
        (STARTS, AUTO, IN_PLACE, Way.RECREATE, "nothing is served yet"),
        (PLAIN, INCREMENTAL, IN_PLACE, Way.HOLD, "cannot be chosen while the RayService is there"),
        (PLAIN_STARTS, INCREMENTAL, IN_PLACE, Way.RECREATE, "nothing is served yet"),
        (PLAIN, RECREATE, CLUSTER, None, ""),
    ],
)  # fmt: skip
def test_obstacle(live: Any, rollout: Rollout, kind: ChangeClass, way: Way | None, said: str) -> None:
    found = _obstacle(live, rollout, kind)
    assert (found.way if found else None) is way
    assert said in (found.message if found else "")
    assert found is None or found.instead


@pytest.mark.parametrize("live", [None, SERVES, PLAIN_STARTS])
@pytest.mark.parametrize("kind", [RESTART, CLUSTER])
def test_nothing_is_made_or_changed_without_what_it_needs(live: Any, kind: ChangeClass) -> None:
    found = _obstacle(live, INCREMENTAL, kind, classes=())
    assert found.way is Way.HOLD
    assert "is not switched on" in found.message


def test_numbers_are_set_in_place_without_a_gateway() -> None:
    assert _obstacle(SERVES, INCREMENTAL, IN_PLACE, classes=()) is None


def test_choose() -> None:
    assert choose("Incremental", change(CLUSTER)).way is Way.INCREMENTAL


def test_pace() -> None:
    assert pace(INCREMENTAL) == (
        "not all at once: 30 % of the requests every 60 s, 50 % of the replicas at a time, at most 4 steps (strategy Incremental)"
    )


def _drop(live: dict[str, Any]) -> Any:
    config = {"rayVersion": "2.60.0", "headGroupSpec": {}, "workerGroupSpecs": []}
    clusters = tuple(
        {"metadata": {"name": name}, "spec": {**config, "rayVersion": version}}
        for name, version in (("a", "2.60.0"), ("b", "2.61.0"))
    )
    seen: Observed = observe(live)
    return drop(replace(scope(live), clusters=clusters), seen, {"spec": {"rayClusterConfig": config}}, None)


def test_kuberay_itself_goes_back_step_by_step() -> None:
    """Dropping the pending Ray cluster while it answers requests would cut them."""
    assert _drop(MOVES) is None
    dropped = _drop(child("NewCluster", active="a", pending="b"))
    assert dropped.cluster == "b"


GONE = "set spec.suspend to true, and to false again when the RayService is gone (planned downtime)"
WORDS = [
    (
        (IGNORED, INCREMENTAL, RESTART, {}),
        "KubeRay ignores spec.rollout.strategy Incremental: its feature gate RayServiceIncrementalUpgrade is off; switch it on "
        "(--feature-gates=RayServiceIncrementalUpgrade=true), or choose another strategy",
    ),
    (
        (MOVES, INCREMENTAL, RESTART, {}),
        "replicas would have to restart while requests move to Ray cluster b: the edit waits until that is through",
    ),
    (
        (SERVES, AUTO, IN_PLACE, {}),
        "spec.rollout.strategy Incremental cannot be left while the RayService is there, since clients would lose their Service: "
        f"choose strategy Recreate, or {GONE}",
    ),
    (
        (PLAIN, INCREMENTAL, IN_PLACE, {}),
        "spec.rollout.strategy Incremental cannot be chosen while the RayService is there, since clients would lose their "
        f"Service: {GONE}",
    ),
    (
        (SERVES, RECREATE, CLUSTER, {}),
        "planned downtime: the RayService is made anew, since strategy Incremental has other Services than the rest",
    ),
    (
        (STARTS, AUTO, IN_PLACE, {}),
        "nothing is served yet: it starts anew, since strategy Incremental has other Services than the rest",
    ),
    (
        (SERVES, INCREMENTAL, CLUSTER, {"classes": ()}),
        "spec.rollout.strategy Incremental is not switched on: it needs KubeRay with "
        "--feature-gates=RayServiceIncrementalUpgrade=true, the Gateway API, and the chart value operator.gatewayClasses; choose "
        "another strategy, or ask the administrator",
    ),
    (
        (SERVES, INCREMENTAL, CLUSTER, {"classes": ("envoy", "nginx")}),
        'spec.rollout.incremental.gatewayClassName "istio" is not allowed: the administrator allows envoy, nginx',
    ),
    (
        (SERVES, INCREMENTAL, CLUSTER, {"seen": GatewaySeen(served=False)}),
        "spec.rollout.strategy Incremental needs the Gateway API: the cluster has no gateway.networking.k8s.io/v1 Gateway and "
        "HTTPRoute; install it, or choose another strategy",
    ),
    (
        (SERVES, INCREMENTAL, CLUSTER, {"seen": GatewaySeen(class_found=False)}),
        'there is no GatewayClass "istio" (spec.rollout.incremental.gatewayClassName): install its controller, or name another',
    ),
]


@pytest.mark.parametrize(("given", "said"), WORDS)
def test_words(given: tuple[Any, Rollout, ChangeClass, dict[str, Any]], said: str) -> None:
    live, rollout, kind, more = given
    found = _obstacle(live, rollout, kind, **more)
    assert found.message == said
    assert found.waits == ("the edit waits until Ray cluster b answers all requests" if live is MOVES else "")
