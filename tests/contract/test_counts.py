"""How many writes each thing costs. Events and leases are counted apart; `settled` includes two full re-syncs."""

from builders import llm
from contract.conftest import Start
from contract.operator_process import until
from contract.scenario import CREATE, NAMESPACE, PARENT, child, converged, create, edit, kuberay_serves, parent, ready
from contract.server import FakeServer


async def test_create_is_one_apply_of_each_child_and_one_status(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    await operator.settled()
    assert server.writes() == CREATE
    assert server.events() == {}


async def test_nothing_but_status_is_written_to_the_parent(server: FakeServer, start: Start) -> None:
    operator = await start()
    made = create(server)
    await converged(server)
    await operator.settled()
    live = parent(server)
    assert live["spec"] == made["spec"]
    ignored = {"resourceVersion"}
    assert {k: v for k, v in live["metadata"].items() if k not in ignored} == {
        k: v for k, v in made["metadata"].items() if k not in ignored
    }


async def test_edit_is_one_apply_and_one_status(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    edit(server, llm("a").model(resources={"cpu": "6"}).object()["spec"])
    await converged(server)
    await operator.settled()
    assert server.writes() == {**CREATE, "apply rayservices": 2, "apply llmdeployments/status": 2}


async def test_readiness_is_one_status_one_revision_and_its_events(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    kuberay_serves(server)
    await ready(server)
    await operator.settled()
    assert server.writes() == {**CREATE, "apply llmdeployments/status": 2, "apply controllerrevisions": 1}
    assert server.events()["Serving"] == 1
    assert await operator.metric('llm_operator_llmdeployment_ready{name="a",namespace="llm"}') == 1


async def test_bounds_edit_adds_one_patch_of_the_live_cluster(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server, body=llm("a").scaling(minReplicas=1, maxReplicas=2))
    await converged(server)
    kuberay_serves(server)
    await ready(server)
    edit(server, llm("a").scaling(minReplicas=1, maxReplicas=5).object()["spec"])
    await converged(server)
    await operator.settled()
    assert server.writes()["apply rayservices"] == 2
    assert server.writes()["patch rayclusters"] == 1
    live = server.objects.select("rayclusters")[0]["spec"]["workerGroupSpecs"][0]
    wanted = (child(server) or {})["spec"]["rayClusterConfig"]["workerGroupSpecs"][0]
    assert (live["minReplicas"], live["maxReplicas"]) == (wanted["minReplicas"], wanted["maxReplicas"])


async def test_delete_costs_nothing(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    await operator.settled()
    server.objects.delete(PARENT)
    await operator.settled()
    assert server.writes() == CREATE
    assert child(server) is None
    assert await operator.metric('llm_operator_llmdeployment_ready{name="a"') == 0
    assert 'name="a"' not in (await operator.get("/metrics"))[1]


async def test_suspend_is_one_delete_and_one_status(server: FakeServer, start: Start) -> None:
    operator = await start()
    made = create(server)
    await converged(server)
    edit(server, {**made["spec"], "suspend": True})
    await until(lambda: child(server) is None, what="RayService deleted")
    await operator.settled()
    assert server.writes() == {**CREATE, "apply llmdeployments/status": 2, "delete rayservices": 1}


async def test_restart_with_nothing_changed_writes_nothing(server: FakeServer, start: Start) -> None:
    first = await start("a")
    for name in ("a", "b", "c"):
        create(server, name)
        await converged(server, name)
    kuberay_serves(server, "a")
    await ready(server, "a")
    await first.settled()
    assert await first.stop() == 0
    before, events = server.writes(), server.events()
    second = await start("b")
    await second.wait_metric('llm_operator_reconciles_total{result="ok"}', 3)
    await second.settled()
    assert server.writes() == before
    assert server.events() == events


async def test_caches_of_several_pages_are_warm_before_the_first_reconcile(server: FakeServer, start: Start) -> None:
    first = await start("a")
    create(server)
    await converged(server)
    await first.stop()
    labels = {"app.kubernetes.io/managed-by": "llm-operator", "llm-operator.io/deployment": "a"}
    for number in range(1100):
        metadata = {"name": f"pod-{number}", "namespace": NAMESPACE, "labels": labels}
        server.objects.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}})
    before, lists = server.writes(), server.count("list", "pods")
    second = await start("b", RESYNC_SECONDS="3600")
    await second.wait_metric('llm_operator_reconciles_total{result="ok"}', 1)
    assert server.writes() == before
    # Three pages each: kopf's list, and ours that says when the cache is warm.
    assert server.count("list", "pods") - lists >= 6
