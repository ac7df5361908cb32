"""Shapes inside a pod and over two nodes, on the real scheduler, KubeRay and Ray, with fake GPUs and the simulated engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest
from catalogue import served
from catalogue.shapes import Shapes, gpus, running
from cluster import nodes
from e2e.report import Report

# Pods of one model on different nodes, so that a replica of two pods really crosses nodes.
_SPREAD: Final = {"topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}


@pytest.fixture(scope="module")
def inside(devices: None, report: Report) -> Iterator[Shapes]:
    """Tensor in a pod, tensor x pipeline over two nodes, two replicas on one GPU."""
    assert len(nodes.existing()) > 1, "these tests need several nodes: `make cluster NODES=2`"
    yield from running(
        "inside",
        served.model("tensor", accelerators=[{"type": "H100", "count": 2}], parallelism={"tensor": 2}),
        served.model("stages", accelerators=[{"type": "H100", "count": 2}], parallelism={"tensor": 2, "pipeline": 2}),
        served.model("half", accelerators=[{"type": "L4", "share": 0.5}], scaling={"minReplicas": 2}),
        scheduling={"topologySpread": [_SPREAD]},
        report=report,
    )


def test_tensor_parallel_stays_in_one_pod(inside: Shapes) -> None:
    assert gpus(inside.pods("tensor")) == ["2"]
    (group,) = inside.placed("tensor")
    assert group.strategy == "STRICT_PACK"
    assert [bundle["GPU"] for bundle in group.bundles] == [1, 1]
    assert [bundle["accelerator_type:H100"] for bundle in group.bundles] == [0.001, 0.001]
    assert inside.where(group) == inside.pods("tensor") * 2
    assert "hello shapes" in inside.answers("tensor")


def test_pipeline_stages_take_two_pods_on_two_nodes(inside: Shapes) -> None:
    pods = inside.pods("stages")
    assert gpus(pods) == ["2", "2"]
    assert len({pod.node for pod in pods}) == 2
    (group,) = inside.placed("stages")
    assert group.strategy == "PACK"
    assert [bundle["GPU"] for bundle in group.bundles] == [1, 1, 1, 1]
    assert Counter(pod.name for pod in inside.where(group)) == {pod.name: 2 for pod in pods}
    assert "hello shapes" in inside.answers("stages")


def test_two_replicas_share_a_gpu(inside: Shapes) -> None:
    pods = inside.pods("half")
    assert gpus(pods) == ["1"]
    groups = inside.placed("half")
    assert [[bundle["GPU"] for bundle in group.bundles] for group in groups] == [[0.5], [0.5]]
    assert [inside.where(group) for group in groups] == [pods, pods]
    assert "hello shapes" in inside.answers("half")
