"""Fake accelerators: the patch on a node, and what is read back."""

from __future__ import annotations

import pytest
from cluster.fake_devices import extended, give, operations, zone
from cluster.shell import ClusterError


def test_a_device_is_added_to_capacity_and_allocatable_under_an_escaped_name() -> None:
    assert operations({"nvidia.com/gpu": 4}) == [
        {"op": "add", "path": "/status/capacity/nvidia.com~1gpu", "value": "4"},
        {"op": "add", "path": "/status/allocatable/nvidia.com~1gpu", "value": "4"},
    ]


def test_a_device_is_removed_from_where_it_is() -> None:
    """A JSON patch that removes what is not there is refused as a whole."""
    removed = operations({}, {"capacity": ["rdma/ib"], "allocatable": []})
    assert removed == [{"op": "remove", "path": "/status/capacity/rdma~1ib"}]


def test_only_extended_resources_are_read_and_zeros_are_none() -> None:
    allocatable = {"cpu": "2", "memory": "24Gi", "hugepages-2Mi": "0", "nvidia.com/gpu": "8", "amd.com/gpu": "0"}
    assert extended(allocatable) == {"nvidia.com/gpu": 8}


@pytest.mark.parametrize("name", ["gpu", "kubernetes.io/gpu"])
def test_a_name_that_the_scheduler_would_not_count_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match=name):
        give({name: 1})


def test_every_node_is_a_zone_of_its_own() -> None:
    assert [zone(index) for index in range(3)] == ["zone-a", "zone-b", "zone-c"]
