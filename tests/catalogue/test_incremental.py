"""Strategy Incremental with the real KubeRay, its feature gate on, and a real Gateway: what is missing is said and holds the change back;
then requests move to the new Ray cluster step by step, and back, and no client of the openai package notices.

Streams are slow (a token each 0.4 s), so that they outlive a step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from catalogue import load, served
from cluster import gateway, install
from cluster.shell import say
from demo.follow import wait_ready
from e2e import deployment, kube
from e2e.kube import Object
from e2e.report import Report

NAME: Final = "steps"
MODEL: Final = "m"
TOKENS: Final = 60
STEP: Final = 25
SURGE: Final = 50
INTERVAL: Final = 10
UPGRADE_SECONDS: Final = 420.0
LOOK_SECONDS: Final = 90.0
"""For what the operator looks at again by itself (every 30 s while something is missing)."""
RETRIES: Final = 2
"""As the openai package does by default: KubeRay 1.6.2 moves the first share before the Gateway knows the new Ray cluster's pods, and the
Gateway then says 503."""


def wanted() -> Object:
    """Two replicas of a slow model."""
    numbers = {
        "gatewayClassName": gateway.CLASS,
        "stepSizePercent": STEP,
        "intervalSeconds": INTERVAL,
        "maxSurgePercent": SURGE,
    }
    return served.document(
        NAME, served.slow_model(MODEL, TOKENS), rollout={"strategy": "Incremental", "incremental": numbers}
    )


def status() -> Object:
    found: Object = kube.existing(kube.LLM, NAME)["status"]
    return found


def variable(value: str) -> None:
    """An edit that needs a new Ray cluster; empty: as it was at first."""
    env = [{"name": "STEPS", "value": value}] if value else []
    kube.patch(kube.LLM, NAME, {"op": "add", "path": "/spec/models/0/engine/env", "value": env})


def held(said: str) -> None:
    """Waits until the newest spec is held for this reason."""

    def probe() -> bool:
        now = deployment.state(NAME, "Rendered")
        return now.current and now.reason == "ChangeHeld" and said in now.message

    kube.until(f"held: {said}", probe, seconds=LOOK_SECONDS)


@pytest.fixture(scope="module")
def prepared(operator: None) -> Iterator[ExitStack]:
    """What the tests add for strategy Incremental; goes at the end, after the deployment, the last first.

    One operator pod: with two, the second Ray cluster does not fit on one node of two processors, whose pods all stay until the switch.
    """
    with ExitStack() as stack:
        stack.callback(install.change, {"replicas": "2"})
        install.change({"replicas": "1"})
        try:
            yield stack
        finally:
            deployment.clear(NAME)


@dataclass(slots=True)
class Seen:
    """What was seen on the way, each once, in order."""

    moved: list[int] = field(default_factory=list)
    """Of the requests, those that go to the new Ray cluster, in percent."""
    capacity: list[tuple[int, int]] = field(default_factory=list)
    """Percent of the old and the new Ray cluster's replicas."""
    said: list[str] = field(default_factory=list)

    def look(self) -> None:
        """One more look at the RayService and the LLMDeployment."""
        child = kube.existing(kube.RAY_SERVICE, NAME).get("status", {})
        old, new = child.get("activeServiceStatus", {}), child.get("pendingServiceStatus", {})
        if "rayClusterName" in new:
            self._note(self.moved, new.get("trafficRoutedPercent", 0))
            self._note(self.capacity, (old.get("targetCapacity", 100), new.get("targetCapacity", 0)))
        self._note(self.said, deployment.state(NAME, "Progressing").message)

    @staticmethod
    def _note(known: list[Any], found: Any) -> None:
        if not known or known[-1] != found:
            known.append(found)


def test_what_is_missing_is_said(prepared: ExitStack, report: Report) -> None:
    """Nothing starts before the administrator and the Gateway API allow it; while KubeRay's gate is off it serves by its Service, and an
    edit that KubeRay would never carry out is held."""
    kube.apply(wanted())
    held("is not switched on")
    prepared.callback(install.change, {"operator.gatewayClasses": "null"})
    install.change({"operator.gatewayClasses": f"{{{gateway.CLASS}}}"})
    held("the cluster has no gateway.networking.k8s.io/v1 Gateway")
    assert kube.get(kube.RAY_SERVICE, NAME) is None

    prepared.enter_context(gateway.api_and_controller())
    begin = time.monotonic()
    wait_ready(NAME, kube.NAMESPACE, seconds=served.READY_SECONDS, tell=say)
    report.add("incremental: seconds to the first answer, the gate off", time.monotonic() - begin)
    cluster = served.active_cluster(NAME)
    assert "-serve-svc." in status()["url"]
    variable("held")
    held(f"its feature gate {gateway.GATE} is off")
    assert deployment.state(NAME).status == "True"
    variable("")
    deployment.until_condition(NAME, "Rendered", "Applied", seconds=LOOK_SECONDS)

    prepared.callback(gateway.gate, False)
    gateway.gate(True)
    kube.until("requests come by the Gateway", lambda: "-serve-svc." not in status()["url"], seconds=LOOK_SECONDS)
    assert served.active_cluster(NAME) == cluster


def test_requests_move_step_by_step(prepared: ExitStack, report: Report) -> None:
    """Through the Gateway: at most a step at a time, no more than a surge of replicas, and the old Ray cluster goes at the end."""
    cluster, seen, begin = served.active_cluster(NAME), Seen(), time.monotonic()
    with load.load(NAME, MODEL, loops=2, streams=2, tokens=TOKENS, retries=RETRIES) as answers:
        variable("new")
        change = served.through(NAME, seconds=UPGRADE_SECONDS, look=seen.look)
        seconds = time.monotonic() - begin
        kube.until("the old Ray cluster is gone", lambda: kube.get(kube.RAY_CLUSTER, cluster) is None, seconds=180)
    assert not answers.failures, "\n".join(answers.failures)
    assert (change["class"], change["strategy"]) == ("NewCluster", "Incremental")
    assert served.active_cluster(NAME) != cluster
    assert seen.moved[:4] == [0, STEP, 2 * STEP, 3 * STEP]
    assert all(old + new <= 100 + SURGE for old, new in seen.capacity)
    assert {(100, SURGE), (SURGE, 100)} <= set(seen.capacity)
    for percent in (STEP, 2 * STEP, 3 * STEP):
        assert [said for said in seen.said if f"{percent} % of the requests go to it" in said]
    assert answers.longest_stream >= 0.3 * TOKENS
    report.add("incremental: seconds from the edit to the end", seconds)
    report.add("incremental: requests answered", answers.answered, "")
    report.add("incremental: requests that were tried again", answers.retried, "")
    report.add("incremental: streams through", answers.streamed, "")
    report.add("incremental: slowest request (s)", answers.slowest)


def test_half_way_and_back(prepared: ExitStack, report: Report) -> None:
    """The edit is taken back when a part of the requests has moved: they all come back, and the new Ray cluster goes."""
    cluster, pods, seen = served.active_cluster(NAME), kube.pods(NAME), Seen()

    def moved() -> bool:
        seen.look()
        return bool(seen.moved) and seen.moved[-1] >= STEP

    with load.load(NAME, MODEL, loops=2, streams=2, tokens=TOKENS, retries=RETRIES) as answers:
        variable("other")
        kube.until("some of the requests have moved", moved, seconds=UPGRADE_SECONDS)
        begin = time.monotonic()
        variable("new")
        served.through(NAME, seconds=UPGRADE_SECONDS, look=seen.look)
        seconds = time.monotonic() - begin
        kube.until(
            "only the old Ray cluster is left",
            lambda: [each["metadata"]["name"] for each in kube.items(kube.RAY_CLUSTER)] == [cluster],
            seconds=180,
        )
    assert served.active_cluster(NAME) == cluster
    assert pods.items() <= kube.pods(NAME).items(), "a pod of the old Ray cluster went"
    assert [said for said in seen.said if f"requests move back to Ray cluster {cluster}" in said]
    assert deployment.state(NAME).status == "True"
    assert not answers.failures, "\n".join(answers.failures)
    report.add("incremental, half-way and back: seconds from the edit to the end", seconds)
    report.add("incremental, half-way and back: requests answered", answers.answered, "")
    report.add("incremental, half-way and back: requests that were tried again", answers.retried, "")
    report.add("incremental, half-way and back: streams through", answers.streamed, "")


def test_a_new_cluster_that_never_serves_is_rolled_back(prepared: ExitStack, report: Report) -> None:
    """An image that is not there, and a deadline of a minute: no request moves, the old Ray cluster serves on, and the new one goes."""
    cluster, pods, seen = served.active_cluster(NAME), kube.pods(NAME), Seen()

    def rolled_back() -> Object | None:
        seen.look()
        found: Object = status().get("rollback") or {}
        return found if found.get("revision") else None

    with load.load(NAME, MODEL, loops=2, streams=2, tokens=TOKENS, retries=RETRIES) as answers:
        kube.patch(
            kube.LLM,
            NAME,
            {"op": "add", "path": "/spec/rollout/progressDeadlineSeconds", "value": 60},
            {"op": "replace", "path": "/spec/ray/image", "value": "llm-operator/no-such-image:1"},
        )
        begin = time.monotonic()
        back = kube.until("it is rolled back", rolled_back, seconds=120)
        seconds = time.monotonic() - begin
        kube.until(
            "only the old Ray cluster is left",
            lambda: [each["metadata"]["name"] for each in kube.items(kube.RAY_CLUSTER)] == [cluster],
            seconds=240,
        )
        removed = time.monotonic() - begin
        ready = deployment.until_condition(NAME, "Ready", "Serving", seconds=LOOK_SECONDS)
    assert ready.status == "True"
    assert served.active_cluster(NAME) == cluster
    assert kube.pods(NAME) == pods
    assert seen.moved in ([], [0])
    assert not answers.failures, "\n".join(answers.failures)
    assert back["failedGeneration"] == kube.existing(kube.LLM, NAME)["metadata"]["generation"]
    assert deployment.state(NAME, "Degraded").reason == "RolledBack"
    report.add("incremental, failing: seconds from the edit to the rollback (deadline 60)", seconds)
    report.add("incremental, failing: seconds from the edit to one Ray cluster again", removed)
    report.add("incremental, failing: requests answered", answers.answered, "")
