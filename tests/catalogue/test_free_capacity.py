"""operator.freeCapacity on the real cluster, with one accelerator in all of it: the only replica restarts in place, a change that needs a
second Ray cluster waits for another accelerator and says so, and starts when there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from catalogue import served
from cluster import fake_devices, install, nodes
from e2e import deployment, kube

NAME: Final = "room"
MODEL: Final = "m"
GPU: Final = "nvidia.com/gpu"
FULL: Final = f"free now: 0 of the 1 {GPU}"
CHANGE_SECONDS: Final = 300.0


@pytest.fixture(scope="module")
def running(devices: None) -> Iterator[None]:
    """A model on the only accelerator; the operator counts what is free."""
    first, *others = nodes.existing()
    install.change({"operator.freeCapacity": "true"})
    fake_devices.give({GPU: 1}, on=[first])
    if others:
        fake_devices.give({GPU: 0}, on=others)
    try:
        with served.served(served.document(NAME, served.model(MODEL))):
            yield
    finally:
        fake_devices.give()
        install.change({"operator.freeCapacity": "false"})


def _answers() -> bool:
    with served.reached(NAME) as url:
        return bool(served.ask(served.client(url, NAME, MODEL), MODEL, "Are you there?"))


def test_the_only_replica_restarts_in_place(running: None) -> None:
    cluster, pods = served.active_cluster(NAME), kube.pods(NAME)
    kube.patch(kube.LLM, NAME, {"op": "add", "path": "/spec/models/0/engine/contextLength", "value": 2048})
    change = served.through(NAME, seconds=CHANGE_SECONDS)
    assert (change["class"], change["strategy"]) == ("ReplicaRestart", "InPlace")
    assert FULL in change["message"]
    assert served.active_cluster(NAME) == cluster
    assert kube.pods(NAME) == pods
    assert _answers()


def test_a_change_waits_for_room_and_starts_when_there_is_some(running: None) -> None:
    cluster, pods = served.active_cluster(NAME), kube.pods(NAME)
    env = [{"name": "ROOM", "value": "1"}]
    kube.patch(kube.LLM, NAME, {"op": "add", "path": "/spec/models/0/engine/env", "value": env})
    held = deployment.until_condition(NAME, "Rendered", "ChangeHeld", seconds=60)
    assert FULL in held.message
    assert FULL in deployment.state(NAME, "Reconciling").message
    kinds = {each["type"] for each in kube.existing(kube.LLM, NAME)["status"]["conditions"]}
    assert "Stalled" not in kinds, "it ends by itself"
    assert kube.pods(NAME) == pods
    assert deployment.state(NAME).status == "True"
    assert _answers()
    fake_devices.give({GPU: 2}, on=nodes.existing()[:1])
    change = served.through(NAME, seconds=CHANGE_SECONDS)
    assert (change["class"], change["strategy"]) == ("NewCluster", "BlueGreen")
    assert served.active_cluster(NAME) != cluster
    assert _answers()
