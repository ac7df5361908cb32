"""What KubeRay writes, as short calls on the fake server's objects. Each gives the same objects in every run."""

import asyncio
import copy
from typing import Any

from builders import serving
from contract.objects import Address, Object
from contract.scenario import NAMESPACE, child, parent
from contract.server import FakeServer

TAKES_SECONDS = 0.5
"""KubeRay is not that fast. By the operators' clock (world.CLOCK_RATE) it is longer than the time after which they take a
change for finished (status/last_change.py: 5 s): so they say so together with what KubeRay says, in every run."""


def _models(server: FakeServer, name: str) -> list[str]:
    return [model["name"] for model in parent(server, name)["spec"]["models"]]


def _cluster(server: FakeServer, name: str, suffix: str) -> str:
    """Creates a RayCluster of the RayService as it is now, unless it is there; its name."""
    service = child(server, name)
    assert service is not None
    metadata = {
        "name": f"{name}-{suffix}",
        "namespace": NAMESPACE,
        "labels": service["metadata"]["labels"],
        "ownerReferences": [{"kind": "RayService", "name": name, "uid": service["metadata"]["uid"]}],
    }
    if server.objects.get(Address("rayclusters", NAMESPACE, metadata["name"])) is None:
        body = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": metadata}
        server.objects.create("rayclusters", {**body, "spec": copy.deepcopy(service["spec"]["rayClusterConfig"])})
    return str(metadata["name"])


def _status(server: FakeServer, name: str, cluster: str, **state: str) -> Object:
    service = child(server, name)
    assert service is not None
    status: dict[str, Any] = serving(service, *_models(server, name), **state)["status"]
    status["activeServiceStatus"]["rayClusterName"] = cluster
    return status


async def serves(server: FakeServer, name: str = "a", *, cluster: str = "abcde", **state: str) -> None:
    """All models run on that RayCluster (or are in `state`, see builders.serving)."""
    await asyncio.sleep(TAKES_SECONDS)
    status = _status(server, name, _cluster(server, name, cluster), **state)
    server.objects.set_status("rayservices", NAMESPACE, name, status)


async def endpoints(server: FakeServer, count: int, name: str = "a") -> None:
    """So many pods behind the Service are Ready."""
    await asyncio.sleep(TAKES_SECONDS)
    live = child(server, name)
    assert live is not None
    status = {**live["status"], "numServeEndpoints": count}
    server.objects.set_status("rayservices", NAMESPACE, name, status)


async def upgrades(server: FakeServer, name: str = "a", *, old: str = "abcde", new: str = "fghij") -> None:
    """The models run on the old RayCluster while a new one comes up."""
    await asyncio.sleep(TAKES_SECONDS)
    status = _status(server, name, f"{name}-{old}")
    status["pendingServiceStatus"] = {"rayClusterName": _cluster(server, name, new), "applicationStatuses": {}}
    status["conditions"][1] |= {"status": "True", "reason": "BothActivePendingClustersExist"}
    server.objects.set_status("rayservices", NAMESPACE, name, status)


async def switched(server: FakeServer, name: str = "a", *, old: str = "abcde", new: str = "fghij") -> None:
    """The models run on the new RayCluster; the old one is gone."""
    await serves(server, name, cluster=new)
    server.objects.delete(Address("rayclusters", NAMESPACE, f"{name}-{old}"))
