"""Changes under load, on the real cluster: nobody notices an upgrade in place or to a new Ray cluster; one that fails is rolled back
while the old one serves; planned downtime is announced, and measured.

Streams are slow (a token each 0.4 s), so that they outlive what happens to the replica that sends them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from catalogue import load, served
from cluster import env, names
from e2e import deployment, kube
from e2e.kube import Object
from e2e.report import Report

NAME: Final = "rollout"
MODEL: Final = "m"
TOKENS: Final = 60
LONG: Final = 140
"""Tokens of a stream that is longer than the 30 s that Ray gives by itself."""
UPGRADE_SECONDS: Final = 300.0


def wanted(**spec: Any) -> Object:
    """Two replicas of a slow model."""
    return served.document(NAME, served.slow_model(MODEL, LONG), **spec)


@pytest.fixture(scope="module")
def running(operator: None) -> Iterator[None]:
    with served.served(wanted()):
        yield


def status() -> Object:
    found: Object = kube.existing(kube.LLM, NAME)["status"]
    return found


def edit(*operations: Object) -> None:
    """A user's edit; each is a JSON patch of the LLMDeployment."""
    kube.patch(kube.LLM, NAME, *operations)


def test_scaling_in_place(running: None, report: Report) -> None:
    """Numbers of a running model."""
    before = kube.pods(NAME)
    with load.load(NAME, MODEL, tokens=2) as seen:
        edit({"op": "replace", "path": "/spec/models/0/health/gracefulShutdownSeconds", "value": 70})
        change = served.through(NAME, seconds=UPGRADE_SECONDS)
    assert (change["class"], change["strategy"]) == ("InPlace", "InPlace")
    assert kube.pods(NAME) == before
    assert seen.failures == ()
    assert seen.answered >= 3
    report.add("in place, numbers: requests answered", seen.answered, "")


def test_restart_in_place(running: None, report: Report) -> None:
    """An engine argument with two replicas: one after the other, and streams end on the one that goes."""
    cluster = served.active_cluster(NAME)
    with load.load(NAME, MODEL, loops=2, streams=2, tokens=TOKENS) as seen:
        edit({"op": "add", "path": "/spec/models/0/engine/contextLength", "value": 2048})
        change = served.through(NAME, seconds=UPGRADE_SECONDS)
    assert (change["class"], change["strategy"]) == ("ReplicaRestart", "InPlace")
    assert served.active_cluster(NAME) == cluster
    assert seen.failures == ()
    assert seen.longest_stream >= 0.3 * TOKENS
    report.add("in place, restart: requests answered", seen.answered, "")
    report.add("in place, restart: streams through", seen.streamed, "")
    report.add("in place, restart: slowest request (s)", seen.slowest)


def _head_is_excluded() -> bool:
    return bool(kube.existing(kube.RAY_SERVICE, NAME)["spec"]["excludeHeadPodFromServeSvc"])


def test_new_cluster(running: None, report: Report) -> None:
    """A variable of the pods: a new Ray cluster takes over, and streams end on the old one."""
    cluster, begin = served.active_cluster(NAME), time.monotonic()
    with load.load(NAME, MODEL, loops=2, streams=2, tokens=TOKENS) as seen:
        edit({"op": "add", "path": "/spec/models/0/engine/env", "value": [{"name": "ROLLOUT", "value": "1"}]})
        change = served.through(NAME, seconds=UPGRADE_SECONDS)
        seconds = time.monotonic() - begin
        kube.until("the head takes no requests any more", _head_is_excluded, seconds=60)
        kube.until("the old Ray cluster is gone", lambda: kube.get(kube.RAY_CLUSTER, cluster) is None, seconds=180)
    assert (change["class"], change["strategy"]) == ("NewCluster", "BlueGreen")
    assert served.active_cluster(NAME) != cluster
    assert seen.failures == ()
    assert seen.longest_stream >= 0.3 * TOKENS
    report.add("new Ray cluster: seconds", seconds)
    report.add("new Ray cluster: requests answered", seen.answered, "")
    report.add("new Ray cluster: streams through", seen.streamed, "")
    report.add("new Ray cluster: slowest request (s)", seen.slowest)


def test_deleted_worker(running: None, report: Report) -> None:
    """Streams end on a pod that is deleted, and another one comes; as when its node is drained."""
    victim = served.workers(NAME)[0]["metadata"]["name"]
    with load.load(NAME, MODEL, loops=1, streams=4, tokens=LONG) as seen:
        seen.until_streaming(4)
        begin = time.monotonic()
        env.kubectl("delete", "pod", "-n", kube.NAMESPACE, victim, "--wait=false")
        kube.until("the pod is gone", lambda: kube.get("pods", victim) is None, seconds=120)
        seconds = time.monotonic() - begin
        kube.until("another came", lambda: len(served.ready_workers(NAME)) == 2, seconds=UPGRADE_SECONDS)
    assert [each for each in seen.failures if each.startswith("stream")] == []
    assert len(seen.failures) <= 1, seen.failures
    assert seen.longest_stream >= 0.3 * LONG
    report.add("worker pod deleted: seconds until it is gone", seconds)
    report.add("worker pod deleted: requests answered", seen.answered, "")
    report.add("worker pod deleted: requests failed", len(seen.failures), "")
    report.add("worker pod deleted: streams through", seen.streamed, "")


def _rolled_back() -> Object | None:
    found: Object = status().get("rollback") or {}
    return found if found.get("revision") else None


def test_failing_upgrade_is_rolled_back(running: None, report: Report) -> None:
    """An image that is not there, and a deadline of a minute: the old Ray cluster serves on, and the new one goes."""
    cluster, before = served.active_cluster(NAME), kube.pods(NAME)
    with load.load(NAME, MODEL, loops=2, streams=2, tokens=TOKENS) as seen:
        edit(
            {"op": "add", "path": "/spec/rollout", "value": {"progressDeadlineSeconds": 60}},
            {"op": "replace", "path": "/spec/ray/image", "value": "llm-operator/no-such-image:1"},
        )
        begin = time.monotonic()
        back = kube.until("it is rolled back", _rolled_back, seconds=120)
        seconds = time.monotonic() - begin
        kube.until(
            "no other Ray cluster is under preparation",
            lambda: (
                not kube.existing(kube.RAY_SERVICE, NAME)["status"]
                .get("pendingServiceStatus", {})
                .get("rayClusterName")
            ),
            seconds=30,
        )
        ready = deployment.until_condition(NAME, "Ready", "Serving", seconds=60)
        kube.until(
            "only the old Ray cluster is left",
            lambda: [each["metadata"]["name"] for each in kube.items(kube.RAY_CLUSTER)] == [cluster],
            seconds=180,
        )
    assert ready.status == "True"
    assert served.active_cluster(NAME) == cluster
    assert kube.pods(NAME) == before
    assert seen.failures == ()
    assert back["failedGeneration"] == kube.existing(kube.LLM, NAME)["metadata"]["generation"]
    assert deployment.state(NAME, "Degraded").reason == "RolledBack"
    assert [event for event in kube.events(NAME) if event["reason"] == "RolledBack"]
    report.add("failing upgrade: seconds from the edit to the rollback (deadline 60)", seconds)
    report.add("failing upgrade: requests answered", seen.answered, "")
    report.add("failing upgrade: streams through", seen.streamed, "")


def test_recreate(running: None, report: Report) -> None:
    """Planned downtime: said before anything goes, as long as it takes, and no two Ray clusters at a time."""
    cluster = served.active_cluster(NAME)
    with load.load(NAME, MODEL, loops=1, streams=0) as seen:
        edit(
            {"op": "replace", "path": "/spec/rollout", "value": {"strategy": "Recreate"}},
            {"op": "replace", "path": "/spec/ray/image", "value": names.image_ref("serve-cpu")},
            {"op": "replace", "path": "/spec/models/0/engine/env", "value": [{"name": "ROLLOUT", "value": "2"}]},
        )
        change = served.through(NAME, seconds=UPGRADE_SECONDS)
    assert (change["class"], change["strategy"]) == ("NewCluster", "Recreate")
    assert served.active_cluster(NAME) != cluster
    said = [event for event in kube.events(NAME) if "planned downtime" in event["note"]]
    assert said
    assert seen.failures, "there was no downtime: what was measured?"
    report.add("recreate: downtime (s)", seen.longest_gap)
