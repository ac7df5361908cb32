"""Room for a second Ray cluster: who is asked, when, and what comes of the answer. Also `llm-operator plan`, which asks by itself."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import LLM, llm
from contract import access
from contract.conftest import Start
from contract.faults import Cut, Fault, Strike, Write
from contract.objects import Address
from contract.operator_process import until
from contract.scenario import child, condition, converged, create, edit, kuberay_serves, parent, ready
from contract.server import FakeServer
from llm_operator.__main__ import main
from llm_operator.cli.plan import CHANGED

GPU = "nvidia.com/gpu"
OTHER_IMAGE = llm("a").with_("spec.ray", {"image": "img:2"})
FULL = f"free now: 0 of the 1 {GPU} that worker group a needs, on the one node that could hold it"


def _node(server: FakeServer, *, full: bool) -> None:
    """One node with a GPU, which somebody else's pod holds or not; behind it more nodes and pods than a page has."""
    allocatable = {GPU: "1", "cpu": "64", "memory": "256Gi", "pods": "110"}
    status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": allocatable}
    names = [f"n{number:03}" for number in range(150)]
    for name in names:
        held = {**status, "allocatable": allocatable if name == names[-1] else {"cpu": "1", "pods": "110"}}
        metadata = {"name": name, "namespace": ""}
        server.objects.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": held})
        container = {"resources": {"requests": {GPU: "1"} if full and name == names[-1] else {}}}
        spec = {"nodeName": name, "containers": [container]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "other"}, "spec": spec}
        server.objects.create("pods", pod)


def _image(server: FakeServer) -> Any:
    spec = (child(server) or {})["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]
    return spec["containers"][0]["image"]


async def _serving(server: FakeServer, start: Start, *, full: bool, **settings: str) -> Any:
    _node(server, full=full)
    operator = await start(FREE_CAPACITY="true", **settings)
    create(server)
    await converged(server)
    kuberay_serves(server)
    await ready(server)
    await operator.settled()
    return operator


async def _edited(server: FakeServer, made: LLM) -> None:
    edit(server, made.object()["spec"])
    await converged(server)


async def test_nobody_is_asked_before_a_change_needs_a_second_cluster(server: FakeServer, start: Start) -> None:
    operator = await _serving(server, start, full=False)
    await _edited(server, llm("a").scaling(minReplicas=1, maxReplicas=3))
    await operator.settled()
    assert server.count("list", "nodes") == 0
    await _edited(server, OTHER_IMAGE.scaling(minReplicas=1, maxReplicas=3))
    await until(lambda: _image(server) == "img:2", what="there is room, so it is applied")
    await operator.settled()
    assert server.count("list", "nodes") == 2, "two pages, once"


async def test_a_change_waits_for_room(server: FakeServer, start: Start) -> None:
    operator = await _serving(server, start, full=True, CONTRACT_CLOCK_RATE="12")
    await _edited(server, OTHER_IMAGE)
    assert FULL in condition(server, "Rendered")["message"]
    assert condition(server, "Rendered")["reason"] == "ChangeHeld"
    assert FULL in condition(server, "Reconciling")["message"]
    assert not condition(server, "Stalled"), "it ends by itself"
    before = server.writes()
    await operator.settled()
    assert server.writes() == before
    server.objects.delete(Address("pods", "other", "n149"))

    def looked() -> bool:
        """It looks again after a minute, or when something happens to the object later than half of one."""
        live = parent(server)
        live["metadata"].setdefault("annotations", {})["looked"] = str(server.objects.version)
        server.objects.replace("llmdeployments", live)
        return bool(_image(server) == "img:2")

    await until(looked, what="the change starts when there is room", every=0.5)
    await operator.settled()
    assert condition(server, "Rendered")["status"] == "True"
    assert server.writes()["apply rayservices"] == before["apply rayservices"] + 1


async def test_the_only_replica_restarts_in_place_when_there_is_no_room(server: FakeServer, start: Start) -> None:
    operator = await _serving(server, start, full=True)
    await _edited(server, llm("a").model(engine={"contextLength": 4096}))
    await until(lambda: parent(server)["status"]["lastChange"]["class"] == "ReplicaRestart", what="a restart")
    change = parent(server)["status"]["lastChange"]
    assert (change["strategy"], change["extraAccelerators"]) == ("InPlace", "0")
    assert f'no room for a second Ray cluster, which would keep "a" answering ({FULL})' in change["message"]
    server.objects.delete(Address("pods", "other", "n149"))
    await operator.settled()
    assert server.count("list", "nodes") == 2, "what has started is not looked at again"
    assert server.writes()["apply rayservices"] == 2
    (event,) = [each for each in server.objects.select("events") if each["reason"] == "ChangeStarted"]
    assert FULL in event["note"]


@pytest.mark.parametrize(("moment", "way", "applies"), [("before", "BlueGreen", 2), ("after", "InPlace", 2)])
async def test_a_choice_is_stable_once_it_is_applied(
    server: FakeServer, start: Start, moment: str, way: str, applies: int
) -> None:
    """The operator is killed before, or right after, the restart in place is stored; meanwhile there is room."""
    operator = await _serving(server, start, full=True)
    killed = asyncio.Event()

    async def strike(write: Write) -> None:
        operator.send(signal.SIGKILL)
        server.objects.delete(Address("pods", "other", "n149"))
        killed.set()
        raise Cut

    server.strikes.append(Strike(len(server.journal) + 1, moment, strike))
    edit(server, llm("a").model(engine={"contextLength": 4096}).object()["spec"])
    await killed.wait()
    await operator.exit_code()
    assert server.journal[-1].call.resource == "rayservices"
    await operator.start()
    await converged(server)
    await operator.settled()
    assert parent(server)["status"]["lastChange"]["strategy"] == way
    assert sum(write.effective for write in server.journal if write.call.resource == "rayservices") == applies


@pytest.mark.parametrize(("status", "kind"), [(403, "nodes"), (403, "pods"), (500, "nodes")])
async def test_who_may_not_look_does_as_before(server: FakeServer, start: Start, status: int, kind: str) -> None:
    operator = await _serving(server, start, full=True)
    server.faults.append(Fault(status, "list", kind, times=1000))
    await _edited(server, OTHER_IMAGE)
    await until(lambda: _image(server) == "img:2", what="it is applied")
    assert condition(server, "Rendered")["status"] == "True"
    assert "free capacity is not counted" in operator.log.read_text()
    assert operator.returncode is None


async def test_plan_says_whether_there_is_room(
    server: FakeServer,
    start: Start,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await _serving(server, start, full=True)
    wanted, kubeconfig = tmp_path / "wanted.yaml", tmp_path / "config"
    wanted.write_text(yaml.safe_dump(OTHER_IMAGE.object()), encoding="utf-8")
    kubeconfig.write_text(json.dumps(access.kubeconfig(server.url, "someone")), encoding="utf-8")
    arguments = ["plan", "-f", str(wanted), "--kubeconfig", str(kubeconfig)]

    async def said(*more: str) -> str:
        assert await asyncio.to_thread(main, [*arguments, *more]) == CHANGED
        return capsys.readouterr().out

    (one,) = json.loads(await said("-o", "json"))
    assert one["strategy"] == "BlueGreen", "the operator is not known to look"
    assert one["room"]["lacking"] == FULL
    assert one["room"]["fits"][1] == {"name": "worker group a", "pods": 1, "fit": 0, "nodes": 1}
    text = " ".join((await said()).split())
    assert f"none now: {FULL}" in text
    assert "chart value operator.freeCapacity" in text
    with monkeypatch.context() as settings:
        settings.setenv("LLM_OPERATOR_FREE_CAPACITY", "true")
        (one,) = json.loads(await said("-o", "json"))
        assert one["strategy"] == "Hold"
        assert FULL in one["strategyMessage"]
        assert "chart value" not in await said()
    server.objects.delete(Address("pods", "other", "n149"))
    assert "there is room now, as far as" in " ".join((await said()).split())
    server.faults.append(Fault(403, "list", "nodes", times=1000))
    assert "unknown: you may not list the nodes" in " ".join((await said()).split())
    assert {call.verb for call in server.calls if call.user == "someone"} == {"get", "list"}
