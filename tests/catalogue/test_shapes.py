"""Shapes on the real scheduler, KubeRay and Ray, with fake GPUs and the simulated engine: pods, their GPUs, and for each
placement group which bundle lies in which pod."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from catalogue import served
from cluster import nodes, ray_state
from cluster.ray_state import PlacementGroup, RayPod
from e2e import kube
from e2e.report import Report

GPU: Final = "nvidia.com/gpu"
# Pods of one model on different nodes, so that a replica of two pods really crosses nodes.
_SPREAD: Final = {"topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}


@dataclass(frozen=True, slots=True)
class Shapes:
    """What runs of one LLMDeployment."""

    name: str
    url: str
    workers: list[RayPod]
    groups: list[PlacementGroup]

    def pods(self, group: str) -> list[RayPod]:
        """Worker pods of one worker group."""
        return [pod for pod in self.workers if pod.group == group]

    def placed(self, token: str) -> list[PlacementGroup]:
        """Placement groups of one model, or half of one; all of their bundles ask for its own pods."""
        found = [group for group in self.groups if f"group:{token}" in group.bundles[0]]
        assert all(bundle[f"group:{token}"] == 0.001 for group in found for bundle in group.bundles)
        assert all(group.state == "CREATED" for group in found)
        return found

    def where(self, placement: PlacementGroup) -> list[RayPod]:
        """The pod of each bundle."""
        by_address = {pod.address: pod for pod in self.workers}
        return [by_address[address] for address in placement.pods]

    def answers(self, model: str) -> str:
        """One chat request through the Service."""
        return served.ask(served.client(self.url, self.name, model), model, "hello shapes", tokens=20)


def _running(name: str, *models: dict[str, Any], report: Report, **spec: Any) -> Iterator[Shapes]:
    made = served.document(name, *models, **spec)
    with served.served(made, seconds=480) as seconds, served.reached(name) as url:
        report.add(f"{name}: {len(models)} models, apply to Ready", seconds)
        cluster = served.active_cluster(name)
        begin = time.monotonic()
        found = Shapes(
            name,
            url,
            ray_state.workers(cluster, kube.NAMESPACE),
            ray_state.placement_groups(cluster, kube.NAMESPACE),
        )
        report.add(f"{name}: state of Ray read", time.monotonic() - begin)
        yield found


@pytest.fixture(scope="module")
def inside(devices: None, report: Report) -> Iterator[Shapes]:
    """Tensor in a pod, tensor x pipeline over two nodes, two replicas on one GPU."""
    assert len(nodes.existing()) > 1, "these tests need several nodes: `make cluster NODES=2`"
    yield from _running(
        "inside",
        served.model("tensor", accelerators=[{"type": "H100", "count": 2}], parallelism={"tensor": 2}),
        served.model("stages", accelerators=[{"type": "H100", "count": 2}], parallelism={"tensor": 2, "pipeline": 2}),
        served.model("half", accelerators=[{"type": "L4", "share": 0.5}], scaling={"minReplicas": 2}),
        scheduling={"topologySpread": [_SPREAD]},
        report=report,
    )


@pytest.fixture(scope="module")
def apart(devices: None, report: Report) -> Iterator[Shapes]:
    """Two kinds of accelerators, a gang of two, prefill and decode."""
    yield from _running(
        "apart",
        served.model(
            "kinds", accelerators=[{"type": "L4", "maxReplicas": 1}, {"type": "T4"}], scaling={"minReplicas": 2}
        ),
        served.model("gang", parallelism={"data": 2}),
        served.model(
            "split",
            disaggregation={
                "prefill": {},
                "decode": {"accelerators": [{"type": "H100", "count": 2}], "parallelism": {"tensor": 2}},
            },
        ),
        report=report,
    )


def _gpus(pods: list[RayPod]) -> list[str]:
    return [pod.requests[GPU] for pod in pods]


def test_tensor_parallel_stays_in_one_pod(inside: Shapes) -> None:
    assert _gpus(inside.pods("tensor")) == ["2"]
    (group,) = inside.placed("tensor")
    assert group.strategy == "STRICT_PACK"
    assert [bundle["GPU"] for bundle in group.bundles] == [1, 1]
    assert [bundle["accelerator_type:H100"] for bundle in group.bundles] == [0.001, 0.001]
    assert inside.where(group) == inside.pods("tensor") * 2
    assert "hello shapes" in inside.answers("tensor")


def test_pipeline_stages_take_two_pods_on_two_nodes(inside: Shapes) -> None:
    pods = inside.pods("stages")
    assert _gpus(pods) == ["2", "2"]
    assert len({pod.node for pod in pods}) == 2
    (group,) = inside.placed("stages")
    assert group.strategy == "PACK"
    assert [bundle["GPU"] for bundle in group.bundles] == [1, 1, 1, 1]
    assert Counter(pod.name for pod in inside.where(group)) == {pod.name: 2 for pod in pods}
    assert "hello shapes" in inside.answers("stages")


def test_two_replicas_share_a_gpu(inside: Shapes) -> None:
    pods = inside.pods("half")
    assert _gpus(pods) == ["1"]
    groups = inside.placed("half")
    assert [[bundle["GPU"] for bundle in group.bundles] for group in groups] == [[0.5], [0.5]]
    assert [inside.where(group) for group in groups] == [pods, pods]
    assert "hello shapes" in inside.answers("half")


def test_each_kind_of_pod_takes_a_replica(apart: Shapes) -> None:
    assert _gpus(apart.pods("kinds")) == _gpus(apart.pods("kinds-t4")) == ["1"]
    groups = apart.placed("kinds")
    assert not any(name.startswith("accelerator_type:") for group in groups for name in group.bundles[0])
    taken = sorted(pod.group for group in groups for pod in apart.where(group))
    assert taken == ["kinds", "kinds-t4"]
    assert "hello shapes" in apart.answers("kinds")


def test_a_gang_is_placed_as_one(apart: Shapes) -> None:
    pods = apart.pods("gang")
    assert _gpus(pods) == ["1", "1"]
    (group,) = apart.placed("gang")
    assert group.strategy == "PACK"
    assert [(bundle["GPU"], bundle["CPU"]) for bundle in group.bundles] == [(1, 1), (1, 1)]
    assert sorted(pod.name for pod in apart.where(group)) == [pod.name for pod in pods]
    assert "hello shapes" in apart.answers("gang")


def test_prefill_and_decode_have_pods_of_their_own(apart: Shapes) -> None:
    assert _gpus(apart.pods("split-prefill")) == ["1"]
    assert _gpus(apart.pods("split-decode")) == ["2"]
    for half, size in (("split-prefill", 1), ("split-decode", 2)):
        (group,) = apart.placed(half)
        assert [bundle["GPU"] for bundle in group.bundles] == [1] * size
        assert apart.where(group) == apart.pods(half) * size
    assert "hello shapes" in apart.answers("split")
