"""Worker groups: bounds of several kinds of pods, names, devices, TPU slices, variables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.api.spec.deployment import parse_spec
from llm_operator.api.spec.hardware import Accelerator, Parallelism
from llm_operator.plan.groups import split
from llm_operator.plan.placement import shape
from llm_operator.plan.plan import Plan
from llm_operator.plan.pods import GroupPlan
from llm_operator.plan.resolve import resolve

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def plan(made: LLM) -> Plan:
    return resolve(parse_spec(made.object()["spec"]), name="chat", namespace="llm", uid="u", routes={}, now=NOW)


def groups(**model: Any) -> dict[str, GroupPlan]:
    return {group.name: group for group in plan(llm("m").model(**model)).groups}


def bounds(**model: Any) -> dict[str, tuple[int, int]]:
    return {name: (group.min_pods, group.max_pods) for name, group in groups(**model).items()}


@pytest.mark.parametrize(
    ("fewest", "most", "limits", "want"),
    [
        (1, 3, (None,), [(1, 3)]),
        (1, 6, (2, 4), [(1, 2), (0, 4)]),
        (3, 6, (2, 4), [(2, 2), (1, 4)]),
        (2, 8, (2, None), [(2, 2), (0, 8)]),
        (0, 5, (None, 1), [(0, 5), (0, 1)]),
        (5, 5, (2, 2, None), [(2, 2), (2, 2), (1, 5)]),
        (1, 1, (9,), [(1, 1)]),
    ],
)
def test_replicas_over_kinds(
    fewest: int, most: int, limits: tuple[int | None, ...], want: list[tuple[int, int]]
) -> None:
    kinds = [Accelerator.model_validate({"type": "L4", "maxReplicas": limit}) for limit in limits]
    found = split(fewest, most, tuple(shape(kind, Parallelism()) for kind in kinds))
    assert list(found) == want
    assert sum(low for low, _ in found) == fewest


def test_names_follow_the_accelerator() -> None:
    kinds = ["H100", "L4", "L4", "AMD-Instinct-MI300X-OAM", "Intel-GPU-Max-1550"]
    assert list(groups(accelerators=[{"type": kind} for kind in kinds[:4]])) == ["m", "m-l4", "m-l4-3", "m-mi300x"]
    assert list(groups(accelerators=[{"type": kind} for kind in (kinds[0], kinds[4])])) == ["m", "m-max-1550"]


def test_the_longest_name_is_a_label() -> None:
    """KubeRay puts a group's name into the label ray.io/group."""
    name = "m" * 40
    accelerators = [{"type": kind} for kind in ("L4", "RTX-PRO-6000", "RTX-PRO-6000")]
    made = llm(name).model(accelerators=accelerators)
    assert max(len(group.name) for group in plan(made).groups) <= 63
    halves = plan(llm(name).model(disaggregation={})).groups
    assert [len(group.name) for group in halves] == [48, 47]


def test_all_kinds_offer_the_models_resource() -> None:
    made = groups(accelerators=[{"type": "H100"}, {"type": "L4"}])
    assert {dict(group.ray_resources)["group:m"] for group in made.values()} == {"1"}
    assert {group.owner for group in made.values()} == {"m"}


def test_pods_of_each_kind_by_its_own_size() -> None:
    kinds = [{"type": "H100", "count": 8, "maxReplicas": 4}, {"type": "L40S", "count": 2}]
    assert bounds(accelerators=kinds, parallelism={"tensor": 2}, scaling={"minReplicas": 5, "maxReplicas": 9}) == {
        "m": (1, 1),
        "m-l40s": (1, 9),
    }


def test_a_slice_is_a_set_of_pods() -> None:
    made = groups(
        accelerators=[{"type": "TPU-V6E", "topology": "4x8", "nodeSelector": {"pool": "a"}}],
        parallelism={"tensor": 16, "pipeline": 2},
        scaling={"minReplicas": 2},
    )["m"]
    assert (made.hosts, made.min_pods, made.max_pods) == (8, 2, 2)
    assert made.resources.devices == (("google.com/tpu", 4),)
    assert (made.resources.cpu, made.resources.memory) == ("16", "131072Mi")
    assert dict(made.node_selector) == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
        "cloud.google.com/gke-tpu-topology": "4x8",
        "pool": "a",
    }


def test_gpus_of_one_replica_over_pods_are_no_set() -> None:
    made = groups(accelerators=[{"type": "H100", "count": 8}], parallelism={"tensor": 8, "pipeline": 4})["m"]
    assert (made.hosts, made.min_pods) == (1, 4)


@pytest.mark.parametrize(
    ("accelerator", "devices"),
    [
        ({"type": "H100", "count": 8}, (("nvidia.com/gpu", 8),)),
        ({"type": "AMD-Instinct-MI300X-OAM"}, (("amd.com/gpu", 1),)),
        ({"type": "Intel-GPU-Max-1550"}, (("gpu.intel.com/i915", 1),)),
        ({"type": "A100", "count": 7, "resourceName": "nvidia.com/mig-1g.10gb"}, (("nvidia.com/mig-1g.10gb", 7),)),
        ({"type": "TPU-V5LITEPOD", "topology": "1x1"}, (("google.com/tpu", 1),)),
        ({"type": "CPU"}, ()),
    ],
)
def test_devices(accelerator: dict[str, Any], devices: tuple[tuple[str, int], ...]) -> None:
    assert groups(accelerators=[accelerator])["m"].resources.devices == devices


def test_rdma_beside_the_gpus() -> None:
    resources = {"rdma": {"resourceName": "rdma/ib", "count": 8}, "ephemeralStorage": "1Ti"}
    made = groups(accelerators=[{"type": "H100", "count": 8}], resources=resources)["m"].resources
    assert made.devices == (("nvidia.com/gpu", 8), ("rdma/ib", 8))
    assert made.ephemeral_storage == "1Ti"


def test_halves_have_groups_and_resources_of_their_own() -> None:
    made = groups(
        accelerators=[{"type": "H100"}],
        resources={"memory": "64Gi"},
        disaggregation={"decode": {"resources": {"memory": "96Gi"}, "scaling": {"minReplicas": 2, "maxReplicas": 5}}},
    )
    assert {name: (g.resources.memory, g.min_pods, g.max_pods, g.owner) for name, g in made.items()} == {
        "m-prefill": ("64Gi", 1, 1, "m"),
        "m-decode": ("96Gi", 2, 5, "m"),
    }
    assert [dict(group.ray_resources).get("group:m-decode") for group in made.values()] == [None, "1"]


def test_what_is_held_counts_whole_sets() -> None:
    slices = llm("m").model(
        accelerators=[{"type": "TPU-V6E", "topology": "4x4"}], parallelism={"tensor": 16}, scaling={"minReplicas": 2}
    )
    assert plan(slices).gpus == "32xTPU-V6E"
    halves = llm("m").model(
        disaggregation={"decode": {"accelerators": [{"type": "H100", "count": 2}], "parallelism": {"tensor": 2}}}
    )
    assert plan(halves).gpus == "1xL4,2xH100"
    assert plan(halves).models[0].accelerators == "1xL4+2xH100"
