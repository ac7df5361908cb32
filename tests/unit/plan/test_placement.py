"""Accelerators x parallelism → pods, bundles, Ray resources: the arithmetic, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.api.spec.hardware import Accelerator, Parallelism
from llm_operator.plan.placement import memory_utilization, placement, shape


def made(parallelism: dict[str, int] | None = None, **accelerator: Any) -> Any:
    """The shape of one kind of pods."""
    kind = Accelerator.model_validate({"type": "H100", **accelerator})
    return shape(kind, Parallelism.model_validate(parallelism or {}))


# accelerator, parallelism, engines per pod, pods per engine, pods for 1, 2, 5 replicas
ARITHMETIC = [
    ({}, {}, 1, 1, (1, 2, 5)),
    ({"count": 8}, {}, 8, 1, (1, 1, 1)),
    ({"count": 8}, {"tensor": 2}, 4, 1, (1, 1, 2)),
    ({"count": 8}, {"tensor": 8}, 1, 1, (1, 2, 5)),
    ({"count": 8}, {"tensor": 2, "pipeline": 2}, 2, 1, (1, 1, 3)),
    ({"count": 8}, {"tensor": 8, "pipeline": 2}, 0, 2, (2, 4, 10)),
    ({"count": 4}, {"tensor": 2, "pipeline": 4}, 0, 2, (2, 4, 10)),
    ({"count": 1}, {"pipeline": 3}, 0, 3, (3, 6, 15)),
    ({"share": 0.5}, {}, 2, 1, (1, 1, 3)),
    ({"share": 0.3}, {}, 3, 1, (1, 1, 2)),
    ({"share": 0.1}, {}, 10, 1, (1, 1, 1)),
    ({"share": 0.05}, {}, 20, 1, (1, 1, 1)),
    ({"share": 0.6, "count": 2}, {}, 2, 1, (1, 1, 3)),
    ({"count": 2, "share": 0.3}, {}, 6, 1, (1, 1, 1)),
    ({"type": "CPU"}, {}, 1, 1, (1, 2, 5)),
    ({"count": 8}, {"data": 8}, 8, 1, (1, 2, 5)),
    ({"count": 8}, {"data": 3, "tensor": 4}, 2, 1, (2, 3, 8)),
    ({"count": 4}, {"data": 2, "tensor": 4, "pipeline": 2}, 0, 2, (4, 8, 20)),
    ({"type": "CPU"}, {"data": 2}, 1, 1, (2, 4, 10)),
    ({"type": "TPU-V6E", "topology": "2x4"}, {"tensor": 8}, 1, 1, (1, 2, 5)),
    ({"type": "TPU-V6E", "topology": "4x4"}, {"tensor": 16}, 0, 4, (4, 8, 20)),
    ({"type": "TPU-V5P", "topology": "2x2x1"}, {"tensor": 4}, 1, 1, (1, 2, 5)),
]


@pytest.mark.parametrize(("accelerator", "parallelism", "engines", "pods_each", "pods"), ARITHMETIC)
def test_pods(
    accelerator: dict[str, Any], parallelism: dict[str, int], engines: int, pods_each: int, pods: tuple[int, ...]
) -> None:
    found = made(parallelism, **accelerator)
    assert (found.engines_per_pod, found.pods_per_engine) == (engines, pods_each)
    assert tuple(found.pods(replicas) for replicas in (1, 2, 5)) == pods
    assert found.pods(0) == 0


# accelerator, parallelism, what one pod offers Ray besides its group
OFFERED = [
    ({}, {}, {"CPU": "1", "GPU": "1", "accelerator_type:H100": "1"}),
    ({"count": 8}, {"tensor": 2}, {"CPU": "4", "GPU": "8", "accelerator_type:H100": "1"}),
    ({"count": 8}, {"tensor": 8, "pipeline": 2}, {"CPU": "1", "GPU": "8", "accelerator_type:H100": "1"}),
    ({"count": 2, "share": 0.3}, {}, {"CPU": "6", "GPU": "2", "accelerator_type:H100": "1"}),
    ({"type": "CPU"}, {}, {"CPU": "2"}),
    ({"type": "A100-40G"}, {}, {"CPU": "1", "GPU": "1", "accelerator_type:A100-40G": "1"}),
    ({"type": "TPU-V6E", "topology": "4x4"}, {"tensor": 16}, {"CPU": "1", "TPU": "4", "accelerator_type:TPU-V6E": "1"}),
]


@pytest.mark.parametrize(("accelerator", "parallelism", "offered"), OFFERED)
def test_what_a_pod_offers(accelerator: dict[str, Any], parallelism: dict[str, int], offered: dict[str, str]) -> None:
    assert dict(made(parallelism, **accelerator).ray_resources("m")) == {**offered, "group:m": "1"}


# accelerator, parallelism, number of bundles, resource and amount of each, strategy
BUNDLES = [
    ({"count": 4}, {"tensor": 4}, 4, ("GPU", 1), "STRICT_PACK"),
    ({"count": 8}, {"tensor": 8, "pipeline": 2}, 16, ("GPU", 1), "PACK"),
    ({"count": 8}, {"tensor": 2, "pipeline": 4}, 8, ("GPU", 1), "STRICT_PACK"),
    ({"share": 0.3}, {}, 1, ("GPU", 0.3), "STRICT_PACK"),
    ({"type": "CPU"}, {}, 1, ("CPU", 1), "STRICT_PACK"),
    ({"count": 8}, {"data": 16}, 1, ("GPU", 1), "STRICT_PACK"),
    ({"type": "TPU-V6E", "topology": "2x4"}, {"tensor": 8}, 1, ("TPU", 8), "STRICT_PACK"),
    ({"type": "TPU-V6E", "topology": "4x4"}, {"tensor": 16}, 4, ("TPU", 4), "PACK"),
]


@pytest.mark.parametrize(("accelerator", "parallelism", "number", "amount", "strategy"), BUNDLES)
def test_bundles(
    accelerator: dict[str, Any], parallelism: dict[str, int], number: int, amount: tuple[str, float], strategy: str
) -> None:
    found = placement((made(parallelism, **accelerator),), "m")
    assert found.bundles == ((amount, ("group:m", 0.001)),) * number
    assert found.strategy == strategy


def test_two_kinds_ask_for_none() -> None:
    found = placement((made(count=2), made(type="L40S")), "m")
    assert found.accelerator_type is None
    assert placement((made(), made()), "m").accelerator_type == "H100"
    assert placement((made(type="CPU"),), "m").accelerator_type is None


@pytest.mark.parametrize(
    ("accelerator", "parallelism", "text"),
    [
        ({"count": 8}, {"tensor": 8, "pipeline": 2}, "16xH100"),
        ({"count": 8}, {"tensor": 4, "data": 4}, "16xH100"),
        ({"share": 0.25}, {}, "0.25xH100"),
        ({"type": "CPU"}, {"data": 2}, "CPU"),
        ({"type": "TPU-V6E", "topology": "4x4"}, {"tensor": 16}, "16xTPU-V6E"),
    ],
)
def test_one_replica_in_words(accelerator: dict[str, Any], parallelism: dict[str, int], text: str) -> None:
    assert made(parallelism, **accelerator).describe() == text


@pytest.mark.parametrize(("share", "taken"), [(0.5, 0.45), (0.3, 0.27), (0.25, 0.225), (0.1, 0.09)])
def test_engines_that_share_a_gpu_take_less_than_it_has(share: float, taken: float) -> None:
    assert memory_utilization((made(share=share),)) == taken
    assert made(share=share).engines_per_pod * taken <= 0.9


def test_whole_gpus_are_left_to_vllm() -> None:
    assert memory_utilization((made(),)) is None
