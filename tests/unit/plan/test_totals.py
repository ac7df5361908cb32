"""What a whole object holds: accelerators and pods, fewest and most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.plan.totals import accelerators, cost, kind_of, model_cost, model_pods, pods
from unit.plan.test_resolve import plan

TWO_KINDS = [{"type": "L4"}, {"type": "A10G"}]
APPLICATION: dict[str, Any] = {
    "name": "app",
    "importPath": "llm_serve_app.batch:build",
    "workers": {"resources": {"cpu": "4"}},
    "deployments": [{"name": "BatchedSentiment"}],
}
MIXED = (
    llm("a").gpu("H100", 8).model(parallelism={"tensor": 4}, scaling={"minReplicas": 3, "maxReplicas": 5})
    .add_model("b", accelerators=[{"type": "H100"}], scaling={"minReplicas": 1, "maxReplicas": 4})
    .with_("spec.ray", {"image": "i"}).with_("spec.applications", [APPLICATION])
)  # fmt: skip


@pytest.mark.parametrize(
    ("made", "held"),
    [
        (llm("a").gpu("H100", 8).model(parallelism={"tensor": 8}), ("H100", 8)),
        (llm("a").model(accelerators=[{"type": "CPU"}]), ("CPU", 0)),
        (llm("a").model(accelerators=[{"type": "H100", "resourceName": "nvidia.com/mig-1g.10gb"}]), ("H100/mig-1g.10gb", 1)),
    ],
)  # fmt: skip
def test_kind_of(made: LLM, held: tuple[str, int]) -> None:
    assert kind_of(plan(made).groups[0]) == held


def test_kinds_that_stand_in_for_each_other_hold_each_replica_once() -> None:
    (model,) = plan(llm("a").model(accelerators=TWO_KINDS, scaling={"minReplicas": 1, "maxReplicas": 3})).models
    assert len(model.groups) == 2
    assert model_pods(model)[1] == 3
    assert {kind: most for kind, (_, most) in model_cost(model).items()} == {"L4": 3, "A10G": 3}


def test_one_kind_has_no_other_limit_than_its_own() -> None:
    (model,) = plan(llm("a").model(accelerators=[{"type": "L4"}], scaling={"minReplicas": 2, "maxReplicas": 3})).models
    assert model_pods(model) == (2, 3)
    assert model_cost(model) == {"L4": (2, 3)}


def test_the_halves_of_a_disaggregated_model_are_both_needed() -> None:
    made = (
        llm("a")
        .gpu("H100", 1)
        .model(disaggregation={"connector": "Nixl"}, scaling={"minReplicas": 2, "maxReplicas": 3})
    )
    (model,) = plan(made).models
    assert len(model.groups) > 1
    assert model_pods(model)[1] == sum(group.max_pods * group.hosts for group in model.groups)


def test_everything_is_added_up() -> None:
    found = plan(MIXED)
    # Pods of 8 and of 1 H100: model a on 2 to 3 of 8, model b on 1 to 4 of 1.
    assert cost(found)["H100"] == (2 * 8 + 1, 3 * 8 + 4)
    assert pods(found) == (2 + 1 + 1, 3 + 4 + 1)


def test_kinds_that_stand_in_for_each_other_never_hold_more_than_the_replicas_need() -> None:
    """Each kind alone could hold all of them: together the pods are limited, so no kind counts for more either."""
    (model,) = plan(llm("a").model(accelerators=TWO_KINDS, scaling={"minReplicas": 1, "maxReplicas": 2})).models
    wide = replace(model, groups=tuple(replace(group, max_pods=5) for group in model.groups))
    assert model_cost(wide) == {"L4": (wide.groups[0].min_pods, 2), "A10G": (wide.groups[1].min_pods, 2)}
    assert model_pods(wide)[1] == 2


def test_the_largest_pods_are_counted_where_they_are_limited() -> None:
    """Two groups of one kind, with different numbers of accelerators in a pod."""
    (model,) = plan(llm("a").model(accelerators=[{"type": "L4"}], scaling={"minReplicas": 1, "maxReplicas": 2})).models
    (group,) = model.groups
    large = tuple((name, "4" if name == "GPU" else value) for name, value in group.ray_resources)
    found = accelerators(
        (replace(group, min_pods=1, max_pods=3), replace(group, ray_resources=large, min_pods=2, max_pods=2)), 3
    )
    assert found == {"L4": (9, 9)}
    assert accelerators((replace(group, hosts=2, min_pods=1, max_pods=3),)) == {"L4": (2, 6)}
