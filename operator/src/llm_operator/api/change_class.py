"""What a change of the RayService does to what runs."""

from collections.abc import Iterable
from enum import StrEnum


class ChangeClass(StrEnum):
    """From the cheapest to the dearest; `status.lastChange.class` holds one of them."""

    NONE = "None"
    """Nothing would be written."""
    IN_PLACE = "InPlace"
    """No replica restarts: numbers, health checks, applications that come or go, pods that come or go."""
    REPLICA_RESTART = "ReplicaRestart"
    """Ray Serve restarts the replicas of at least one deployment, on the Ray cluster that is there."""
    NEW_CLUSTER = "NewCluster"
    """KubeRay starts another Ray cluster, and the first one ends when it serves."""


_ORDER = list(ChangeClass)


def dearest(classes: Iterable[ChangeClass]) -> ChangeClass:
    """The dearest of them; NONE of none."""
    return max(classes, key=_ORDER.index, default=ChangeClass.NONE)
