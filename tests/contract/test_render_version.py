"""An upgrade of the operator costs nothing: a newer rendering is offered, and nothing is written to a RayService."""

from builders import llm
from contract.conftest import Start
from contract.operator_process import OperatorProcess, until
from contract.scenario import (
    CREATE,
    PARENT,
    SERVICE,
    child,
    condition,
    converged,
    create,
    edit,
    kuberay_serves,
    parent,
    ready,
)
from contract.server import FakeServer
from llm_operator.api.names import RENDER_VERSIONS
from llm_operator.render.drain import drain_of


async def _upgraded(server: FakeServer, start: Start) -> OperatorProcess:
    """An object of the older rendering that serves, and the newer operator after its first looks."""
    old = await start("old", RENDER_VERSION="1")
    create(server)
    await converged(server)
    kuberay_serves(server)
    await ready(server)
    await old.settled()
    assert await old.stop() == 0
    new = await start("new")
    await until(lambda: condition(server, "Rendered").get("reason") == "RenderUpgradeAvailable", what="it is offered")
    await new.settled()
    return new


async def test_upgrade_writes_one_status_and_one_event(server: FakeServer, start: Start) -> None:
    operator = await _upgraded(server, start)
    assert server.writes("new") == {"apply llmdeployments/status": 1}
    assert server.events()["RenderUpgradeAvailable"] == 1
    assert parent(server)["status"]["renderVersion"] == "1"
    assert await operator.stop() == 0
    third = await start("third")
    await third.settled()
    assert server.writes("third") == {}


async def test_drift_is_restored_as_the_older_rendering_had_it(server: FakeServer, start: Start) -> None:
    await _upgraded(server, start)
    before = (child(server) or {})["spec"]
    server.objects.merge_patch(SERVICE, {"spec": {"rayClusterConfig": {"headGroupSpec": {"serviceType": "NodePort"}}}})
    await until(lambda: (child(server) or {})["spec"] == before, what="restored byte for byte")
    assert server.writes("new")["apply rayservices"] == 1


async def test_edit_in_place_keeps_the_older_rendering(server: FakeServer, start: Start) -> None:
    await _upgraded(server, start)
    edit(server, llm("a").scaling(minReplicas=1, maxReplicas=3).object()["spec"])
    await converged(server)
    live = child(server) or {}
    assert "enableServiceLinks" not in str(live["spec"])
    assert drain_of(live) == 0
    assert "llm-operator.io/render-version" not in live["metadata"]["annotations"]


async def test_edit_that_needs_a_new_cluster_brings_the_newest(server: FakeServer, start: Start) -> None:
    await _upgraded(server, start)
    edit(server, llm("a").model(resources={"cpu": "6"}).object()["spec"])
    await converged(server)
    await until(lambda: parent(server)["status"]["renderVersion"] == RENDER_VERSIONS[-1], what="the newest")
    assert "enableServiceLinks" in str((child(server) or {})["spec"])
    assert drain_of(child(server)) == 130


async def test_annotation_asks_for_the_newest_now(server: FakeServer, start: Start) -> None:
    await _upgraded(server, start)
    server.objects.merge_patch(PARENT, {"metadata": {"annotations": {"llm-operator.io/render": "Latest"}}})
    await until(lambda: parent(server)["status"]["renderVersion"] == RENDER_VERSIONS[-1], what="the newest")
    assert condition(server, "Rendered")["reason"] == "Applied"
    assert server.writes("new")["apply rayservices"] == 1


async def test_new_objects_follow_the_setting(server: FakeServer, start: Start) -> None:
    operator = await start(RENDER_VERSION="1")
    create(server)
    await converged(server)
    await operator.settled()
    assert server.writes() == CREATE
    assert parent(server)["status"]["renderVersion"] == "1"
