"""Patches of worker group bounds of live RayClusters."""

from __future__ import annotations

from typing import Any

from llm_operator.render.bounds import cluster_patch


def group(name: str, fewest: int, most: int) -> dict[str, Any]:
    return {"groupName": name, "minReplicas": fewest, "maxReplicas": most}


def cluster(*groups: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "chat-abcde"}, "spec": {"workerGroupSpecs": list(groups)}}


def test_equal_bounds_need_no_patch() -> None:
    assert cluster_patch(cluster(group("a", 1, 2)), [group("a", 1, 2)]) is None


def test_only_what_differs_is_replaced_and_guarded_by_the_name() -> None:
    patch = cluster_patch(cluster(group("a", 1, 2), group("b", 1, 2)), [group("b", 1, 5), group("a", 1, 2)])
    assert patch is not None
    assert patch.name == "chat-abcde"
    assert patch.operations == (
        {"op": "test", "path": "/spec/workerGroupSpecs/1/groupName", "value": "b"},
        {"op": "replace", "path": "/spec/workerGroupSpecs/1/maxReplicas", "value": 5},
    )


def test_a_retired_group_goes_to_zero() -> None:
    patch = cluster_patch(cluster(group("a", 1, 2)), [group("a", 0, 0)])
    assert patch is not None
    assert [operation.get("value") for operation in patch.operations] == ["a", 0, 0]


def test_a_group_that_the_cluster_does_not_have_yet_waits() -> None:
    assert cluster_patch(cluster(group("a", 1, 2)), [group("a", 1, 2), group("b", 1, 1)]) is None


def test_a_group_that_is_not_ours_is_left_alone() -> None:
    assert cluster_patch(cluster(group("theirs", 7, 9)), [group("a", 1, 1)]) is None


def test_a_cluster_without_groups() -> None:
    assert cluster_patch({"metadata": {"name": "x"}}, [group("a", 1, 1)]) is None
