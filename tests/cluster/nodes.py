"""The containers that are the cluster's nodes, control plane first, under kind's own names."""

from __future__ import annotations

from typing import Final

from cluster import names
from cluster.engine import docker

_FILTER: Final = f"label=io.x-k8s.kind.cluster={names.CLUSTER}"


def wanted(count: int) -> list[str]:
    """The names that kind gives to the nodes of a cluster of `count` nodes: one control plane, the rest workers."""
    workers = [f"{names.CLUSTER}-worker{index if index > 1 else ''}" for index in range(1, count)]
    return [names.NODE, *workers]


def existing() -> list[str]:
    """The names of the cluster's containers, whether they run or not; [] when there is no cluster."""
    found = docker("ps", "--all", "--filter", _FILTER, "--format", "{{.Names}}").split()
    return sorted(found, key=lambda name: (name != names.NODE, len(name), name))


def identity() -> str:
    """Changes when any node of the cluster is made anew."""
    return docker("inspect", "--format", "{{.Id}}", *existing()).replace("\n", " ")
