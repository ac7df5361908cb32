"""What a change needs on top, in pods and accelerators."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.change.demand import growth, whole
from llm_operator.change.model import Demand


def group(name: str, fewest: int | None, hosts: int | None = None, **resources: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "groupName": name,
        "resources": {key: str(value) for key, value in resources.items()},
    }
    return made | ({} if fewest is None else {"minReplicas": fewest}) | ({} if hosts is None else {"numOfHosts": hosts})


def cluster(*groups: dict[str, Any]) -> dict[str, Any]:
    return {"workerGroupSpecs": list(groups)}


L4 = {"CPU": 4, "GPU": 2, "accelerator_type:L4": 2}
TPU = {"CPU": 4, "GPU": 0, "TPU": 4, "accelerator_type:TPU-V6E": 4}


@pytest.mark.parametrize(
    ("groups", "wanted"),
    [
        ((), Demand(1, ())),
        ((group("a", 2, **L4),), Demand(3, (("L4", 4),))),
        ((group("a", 2, 4, **TPU),), Demand(9, (("TPU-V6E", 32),))),
        ((group("a", 0, **L4), group("b", None, **L4)), Demand(1, ())),
        ((group("a", 2, CPU=4),), Demand(3, ())),
        ((group("a", 1, GPU=1.0),), Demand(2, (("GPU", 1),))),
        ((group("b", 1, **TPU), group("a", 1, **L4), group("c", 1, **L4)), Demand(4, (("L4", 4), ("TPU-V6E", 4)))),
        (({"groupName": "a", "minReplicas": 1, "resources": None},), Demand(2, ())),
    ],
)
def test_a_whole_cluster(groups: tuple[dict[str, Any], ...], wanted: Demand) -> None:
    assert whole(cluster(*groups)) == wanted


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ((group("a", 1, **L4),), (group("a", 1, **L4),), Demand(0, ())),
        ((group("a", 1, **L4),), (group("a", 3, **L4),), Demand(2, (("L4", 4),))),
        # A new group, and one that shrinks: it counts for nothing.
        ((group("a", 5, **L4),), (group("a", 1, **L4), group("b", 2, 2, **L4)), Demand(4, (("L4", 8),))),
        ((group("a", 5, **L4),), (), Demand(0, ())),
    ],
)
def test_growth(before: tuple[dict[str, Any], ...], after: tuple[dict[str, Any], ...], wanted: Demand) -> None:
    assert growth(cluster(*before), cluster(*after)) == wanted
