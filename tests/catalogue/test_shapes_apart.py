"""Shapes over several pods, on the real scheduler, KubeRay and Ray, with fake GPUs and the simulated engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from catalogue import served
from catalogue.shapes import Shapes, gpus, running
from e2e.report import Report


@pytest.fixture(scope="module")
def apart(devices: None, report: Report) -> Iterator[Shapes]:
    """Two kinds of accelerators, a gang of two, prefill and decode."""
    yield from running(
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


def test_each_kind_of_pod_takes_a_replica(apart: Shapes) -> None:
    assert gpus(apart.pods("kinds")) == gpus(apart.pods("kinds-t4")) == ["1"]
    groups = apart.placed("kinds")
    assert not any(name.startswith("accelerator_type:") for group in groups for name in group.bundles[0])
    taken = sorted(pod.group for group in groups for pod in apart.where(group))
    assert taken == ["kinds", "kinds-t4"]
    assert "hello shapes" in apart.answers("kinds")


def test_a_gang_is_placed_as_one(apart: Shapes) -> None:
    pods = apart.pods("gang")
    assert gpus(pods) == ["1", "1"]
    (group,) = apart.placed("gang")
    assert group.strategy == "PACK"
    assert [(bundle["GPU"], bundle["CPU"]) for bundle in group.bundles] == [(1, 1), (1, 1)]
    assert sorted(pod.name for pod in apart.where(group)) == [pod.name for pod in pods]
    assert "hello shapes" in apart.answers("gang")


def test_prefill_and_decode_have_pods_of_their_own(apart: Shapes) -> None:
    assert gpus(apart.pods("split-prefill")) == ["1"]
    assert gpus(apart.pods("split-decode")) == ["2"]
    for half, size in (("split-prefill", 1), ("split-decode", 2)):
        (group,) = apart.placed(half)
        assert [bundle["GPU"] for bundle in group.bundles] == [1] * size
        assert apart.where(group) == apart.pods(half) * size
    assert "hello shapes" in apart.answers("split")
