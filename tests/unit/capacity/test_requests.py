"""What a pod asks of its node, as Kubernetes counts it."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.capacity.requests import amounts, requests, thousandths


@pytest.mark.parametrize(
    ("quantity", "found"),
    [
        ("1", 1000), ("0", 0), ("500m", 500), ("0.5", 500), ("2k", 2_000_000), ("1Ki", 1_024_000), ("1.5Gi", 1_610_612_736_000),
        ("1e3", 1_000_000), ("1E3", 1_000_000), ("2E", 2 * 10**21), ("1Ei", 1000 * 2**60), ("100u", 0), ("1500u", 1), ("999999n", 0),
        ("", None), ("x", None), ("1Q", None), ("Ki", None), ("1/0", None),
    ],
)  # fmt: skip
def test_thousandths(quantity: str, found: int | None) -> None:
    assert thousandths(quantity) == found


def test_numbers_and_nonsense() -> None:
    assert amounts({"cpu": 2, "memory": None, "x": "y"}) == {"cpu": 2000}
    assert amounts({"cpu": 2, "gpu": 1}, {"gpu"}) == {"gpu": 1000}
    assert amounts(None) == {}


def asks(amount: Any, **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": str(amount)}}, **more}


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "cpus"),
    [
        ({}, 0),
        ({"containers": [asks(1), asks(2)]}, 3),
        ({"containers": [{"resources": {"limits": {"cpu": "4"}}}]}, 4),
        ({"containers": [{"resources": {"limits": {"cpu": "4"}, "requests": {"cpu": "1"}}}]}, 1),
        ({"containers": [{}]}, 0),
        # Init containers run one after the other, before the rest.
        ({"containers": [asks(1)], "initContainers": [asks(5), asks(3)]}, 5),
        ({"containers": [asks(4)], "initContainers": [asks(3), asks(3)]}, 4),
        # Sidecars stay, for what starts after them and for the rest.
        ({"containers": [asks(2)], "initContainers": [asks(3, **SIDECAR)]}, 5),
        ({"containers": [asks(1)], "initContainers": [asks(2, **SIDECAR), asks(4)]}, 6),
        ({"containers": [asks(1)], "initContainers": [asks(4), asks(2, **SIDECAR)]}, 4),
        ({"containers": [], "initContainers": [asks(2, **SIDECAR), asks(1), asks(3, **SIDECAR)]}, 5),
        # Of the pod as a whole, and what its runtime takes.
        ({"containers": [asks(1)], "resources": {"requests": {"cpu": "7"}}}, 7),
        ({"containers": [asks(1)], "overhead": {"cpu": "250m"}}, 1.25),
    ],
)
def test_requests(spec: Any, cpus: float) -> None:
    assert requests(spec) == {"pods": 1000} | ({"cpu": int(cpus * 1000)} if cpus else {})
    assert requests(spec, {"nvidia.com/gpu"}) == {}
