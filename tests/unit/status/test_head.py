"""The head of the Ray cluster that serves, as its pods show it."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Probed, Scope
from llm_operator.status.head import NOT_READY, active_pods, head_cause, head_lost, head_problem, keeps_state
from llm_operator.status.observed import observe

SEEN = observe({"metadata": {}, "status": {"activeServiceStatus": {"rayClusterName": "a"}}})
READY = {"conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}]}
RUNS = {"phase": "Running", "containerStatuses": [{"name": "ray-head", "state": {"running": {}}}], **READY}
REDIS = {"metadata": {"name": "a"}, "spec": {"gcsFaultToleranceOptions": {"redisAddress": "r:6379"}}}


def pod(status: Any, *, node: str = "head", cluster: str = "a", leaving: bool = False) -> dict[str, Any]:
    labels = {"ray.io/cluster": cluster, "ray.io/node-type": node}
    metadata = {"name": "p", "labels": labels} | ({"deletionTimestamp": "now"} if leaving else {})
    return {"metadata": metadata} | ({} if status is None else {"status": status})


def scope(*pods: dict[str, Any], clusters: tuple[Any, ...] = (), probes: Any = None) -> Scope:
    return Scope(parent={}, now="", pods=pods, clusters=clusters, probes=probes)


WORKER, WELL = pod(RUNS, node="worker"), pod(RUNS)
ILL, PENDING = pod({**RUNS, "conditions": [{"type": "Ready", "status": "False"}]}), pod({"phase": "Pending"})


@pytest.mark.parametrize(
    ("pods", "said"),
    [
        ((), ""),
        ((WELL,), ""),
        ((WORKER, WELL), ""),
        ((PENDING, WELL), ""),
        ((WORKER,), "the head's pod is gone"),
        ((pod(RUNS, cluster="b"),), ""),
        ((WORKER, pod(RUNS, cluster="b")), "the head's pod is gone"),
        ((pod(RUNS, leaving=True),), "the head's pod is being deleted"),
        ((PENDING,), "the head's pod is Pending"),
        ((pod(None),), "the head's pod is not yet scheduled"),
        ((PENDING, pod(RUNS, leaving=True)), "the head's pod is Pending"),
        ((pod({**RUNS, "containerStatuses": [{"name": "a", "state": {"running": {}}}, {"name": "b", "state": {"waiting": {}}}]}),),
         "container b of the head does not run"),
        ((pod({**RUNS, "containerStatuses": [{"name": "b", "state": None}]}),), "container b of the head does not run"),
        ((pod({**READY, "phase": "Running"}),), ""),
        ((ILL,), NOT_READY),
        ((pod({"phase": "Running"}),), NOT_READY),
    ],
)  # fmt: skip
def test_problem(pods: tuple[dict[str, Any], ...], said: str) -> None:
    assert head_problem(scope(*pods), SEEN) == said


def test_pods_of_no_cluster_are_nobodys() -> None:
    unlabelled = {"metadata": {"name": "p"}}
    assert active_pods(scope(WELL, unlabelled), SEEN) == [WELL]
    assert active_pods(scope(pod(RUNS, cluster="")), observe(None)) == []


@pytest.mark.parametrize(
    ("clusters", "keeps"),
    [
        ((), False),
        ((REDIS,), True),
        (({**REDIS, "metadata": {"name": "b"}},), False),
        (({"metadata": {"name": "a"}, "spec": None},), False),
        (({"metadata": {"name": "a"}, "spec": {}},), False),
    ],
)
def test_keeps_state(clusters: tuple[Any, ...], keeps: bool) -> None:
    assert keeps_state(scope(clusters=clusters), SEEN) is keeps


ANSWERS, SILENT = {"m": Probed("a", served=True)}, {"m": Probed("a", served=False)}


@pytest.mark.parametrize(
    ("head", "clusters", "probes", "lost", "reason"),
    [
        (WELL, (), None, "", None),
        (PENDING, (), None, "the head's pod is Pending", Reason.HEAD_LOST),
        (PENDING, (), ANSWERS, "the head's pod is Pending", Reason.HEAD_LOST),
        (PENDING, (REDIS,), None, "the head's pod is Pending", Reason.HEAD_LOST),
        (PENDING, (REDIS,), ANSWERS, "", Reason.HEAD_RECOVERING),
        (PENDING, (REDIS,), SILENT, "", Reason.HEAD_LOST),
        (PENDING, (REDIS,), {}, "", Reason.HEAD_LOST),
        (PENDING, (REDIS,), {"m": Probed("b", served=True)}, "", Reason.HEAD_LOST),
        (PENDING, (REDIS,), {**ANSWERS, "n": Probed("a", served=False)}, "", Reason.HEAD_LOST),
        (PENDING, (REDIS,), {**ANSWERS, "n": Probed("b", served=False)}, "", Reason.HEAD_RECOVERING),
        (ILL, (), ANSWERS, "", Reason.HEAD_RECOVERING),
        (ILL, (), None, NOT_READY, Reason.HEAD_LOST),
    ],
)  # fmt: skip
def test_lost_or_recovering(head: Any, clusters: Any, probes: Any, lost: str, reason: Reason | None) -> None:
    seen = scope(head, WORKER, clusters=clusters, probes=probes)
    assert head_lost(seen, SEEN) == lost
    cause = head_cause(seen, SEEN)
    assert (cause.reason if cause else None) is reason
    if cause:
        assert cause.message.startswith(head_problem(seen, SEEN))
        assert ("requests are answered" in cause.message) is (reason is Reason.HEAD_RECOVERING)
