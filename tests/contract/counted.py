"""Scenarios of changes while the operator counts what is free (operator.freeCapacity): two nodes with a GPU each, the pods of the
Ray clusters on them, and somebody else who takes the second GPU or gives it back."""

import copy
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from builders import LLM, llm
from contract import kuberay
from contract.objects import Address, Object
from contract.operator_process import until
from contract.scenario import NAMESPACE, child, condition, edit, parent
from contract.scenarios import SCENARIOS, Scenario, says, serving, synced
from contract.server import FakeServer

_A = llm("a")
_OTHER = Address("pods", "other", "training")
_COUNTED = {"FREE_CAPACITY": "true"}
_GPU = "nvidia.com/gpu"


def nodes(server: FakeServer) -> None:
    """n1 for the Ray cluster that serves, n2 for another one."""
    allocatable = {_GPU: "1", "cpu": "64", "memory": "256Gi", "pods": "110"}
    status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": allocatable}
    for name in ("n1", "n2"):
        metadata = {"name": name, "namespace": ""}
        server.objects.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status})


def taken(server: FakeServer) -> None:
    """Somebody's pod holds the GPU of n2."""
    spec = {"nodeName": "n2", "containers": [{"name": "train", "resources": {"requests": {_GPU: "1"}}}]}
    _pod(server, {"name": _OTHER.name, "namespace": _OTHER.namespace}, spec)


def full(server: FakeServer) -> None:
    """The nodes, without room for a second Ray cluster."""
    nodes(server)
    taken(server)


def _pod(server: FakeServer, metadata: Object, spec: Object) -> None:
    ready = [{"type": "Ready", "status": "True"}]
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    server.objects.create("pods", {**body, "status": {"phase": "Running", "conditions": ready}})


def placed(server: FakeServer, cluster: str, node: str) -> None:
    """KubeRay's pods of a Ray cluster run on that node."""
    live = server.objects.get(Address("rayclusters", NAMESPACE, cluster))
    assert live is not None
    groups = [("head", "headgroup", live["spec"]["headGroupSpec"])]
    groups += [("worker", group["groupName"], group) for group in live["spec"]["workerGroupSpecs"]]
    for kind, group, found in groups:
        template = copy.deepcopy(found["template"])
        labels = template["metadata"]["labels"] | {"ray.io/cluster": cluster, "ray.io/node-type": kind}
        owner = {"kind": "RayCluster", "name": cluster, "uid": live["metadata"]["uid"], "controller": True}
        metadata = {"name": f"{cluster}-{group}", "namespace": NAMESPACE, "labels": {**labels, "ray.io/group": group}}
        _pod(server, {**metadata, "ownerReferences": [owner]}, {**template["spec"], "nodeName": node})


def _spec(body: LLM) -> dict[str, Any]:
    spec: dict[str, Any] = body.object()["spec"]
    return spec


def _generation(server: FakeServer) -> int:
    return int((child(server) or {})["metadata"]["generation"])


async def _served(server: FakeServer) -> Object:
    made = await serving(server)
    placed(server, "a-abcde", "n1")
    return made


async def _applied(server: FakeServer, before: int) -> None:
    await until(lambda: _generation(server) > before, what="RayService changed")


async def _replaced(server: FakeServer) -> None:
    """KubeRay makes the new Ray cluster, which takes over."""
    await synced(server)
    await kuberay.upgrades(server)
    placed(server, "a-fghij", "n2")
    await says(server, "Progressing", "True")
    await kuberay.serves(server, cluster="fghij")
    # The real one keeps the old Ray cluster for a minute at least: nobody takes its pods for those that serve.
    await until(lambda: parent(server)["status"]["rayService"]["activeCluster"] == "a-fghij", what="switch is known")
    server.objects.delete(Address("rayclusters", NAMESPACE, "a-abcde"))
    await says(server, "Progressing", "False")
    await says(server, "Ready", "True")


async def _room_comes(server: FakeServer, before: int) -> None:
    """The other one goes; the operator looks again, half a minute later by its clock at the earliest."""
    server.objects.delete(_OTHER)

    def looked() -> bool:
        """Whatever happens to the Ray cluster that serves makes the operator look."""
        server.objects.set_status("rayclusters", NAMESPACE, "a-abcde", {"seen": server.objects.version})
        return _generation(server) > before

    await until(looked, what="the change starts when there is room", every=0.3)


async def _waits(server: FakeServer) -> None:
    await _served(server)
    before = _generation(server)
    edit(server, _spec(_A.model(resources={"cpu": "6"})))
    await says(server, "Rendered", "ChangeHeld")
    await says(server, "Reconciling", "ChangeHeld")
    assert not condition(server, "Stalled")
    await _room_comes(server, before)
    await _replaced(server)


async def _taken_back(server: FakeServer) -> None:
    made = await _served(server)
    edit(server, _spec(_A.model(resources={"cpu": "6"})))
    await says(server, "Rendered", "ChangeHeld")
    edit(server, made["spec"])
    await says(server, "Rendered", "Applied")
    await synced(server)


async def _in_place(server: FakeServer) -> None:
    """What has started in place goes on in place when there is room."""
    await _served(server)
    before = _generation(server)
    edit(server, _spec(_A.model(engine={"contextLength": 4096})))
    await _applied(server, before)
    server.objects.delete(_OTHER)
    await synced(server)
    await kuberay.serves(server)
    await says(server, "Progressing", "False")
    assert parent(server)["status"]["lastChange"]["strategy"] == "InPlace"


async def _then_taken(server: FakeServer) -> None:
    """What has started on a new Ray cluster goes on when the room is gone."""
    await _served(server)
    before = _generation(server)
    edit(server, _spec(_A.model(resources={"cpu": "6"})))
    await _applied(server, before)
    taken(server)
    await synced(server)
    assert parent(server)["status"]["lastChange"]["strategy"] == "BlueGreen"
    server.objects.delete(_OTHER)
    await _replaced(server)


def _own(name: str, drive: Callable[[FakeServer], Awaitable[None]], prepare: Callable[[FakeServer], None]) -> Scenario:
    return Scenario(name, drive, prepare, dict(_COUNTED))


LOOKS = [
    _own("room is counted: waits, then starts", _waits, full),
    _own("room is counted: waits, and is taken back", _taken_back, full),
    _own("room is counted: restarts in place, then there is room", _in_place, full),
    _own("room is counted: starts, then the room is taken", _then_taken, nodes),
    *(
        replace(each, name=f"room is counted: {each.name}", prepare=nodes, settings={**each.settings, **_COUNTED})
        for each in SCENARIOS
        if each.name == "edit that needs a new cluster"
    ),
]
"""In each of them the operator counts; in the other ones of SCENARIOS no change needs a second Ray cluster."""
