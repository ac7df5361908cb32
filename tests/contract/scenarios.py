"""What users and KubeRay do, step by step. The end state of each is what a run without a fault leaves behind."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from builders import LLM, llm
from contract import kuberay
from contract.objects import Address, Object
from contract.operator_process import until
from contract.scenario import NAMESPACE, PARENT, SERVICE, child, condition, create, edit, parent
from contract.server import FakeServer

_A = llm("a")


@dataclass(frozen=True)
class Scenario:
    """`drive` acts on the API server and waits between its steps for the operator, never for a time."""

    name: str
    drive: Callable[[FakeServer], Awaitable[None]]
    prepare: Callable[[FakeServer], None] = lambda _: None
    """Before the operator starts."""
    settings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


SCENARIOS: list[Scenario] = []


def scenario(
    name: str, *, prepare: Callable[[FakeServer], None] = lambda _: None, **settings: str
) -> Callable[[Callable[[FakeServer], Awaitable[None]]], Callable[[FakeServer], Awaitable[None]]]:
    """Puts the function into SCENARIOS."""

    def add(drive: Callable[[FakeServer], Awaitable[None]]) -> Callable[[FakeServer], Awaitable[None]]:
        SCENARIOS.append(Scenario(name, drive, prepare, settings))
        return drive

    return add


def _spec(body: LLM) -> dict[str, Any]:
    spec: dict[str, Any] = body.object()["spec"]
    return spec


async def synced(server: FakeServer, name: str = "a") -> None:
    """The status is about the newest spec, and about the newest RayService if there is one."""

    def done() -> bool:
        live, service = parent(server, name), child(server, name)
        status = live.get("status", {})
        generation = service["metadata"]["generation"] if service is not None else 0
        same = status.get("rayService", {}).get("generation") == generation
        return bool(same and status.get("observedGeneration") == live["metadata"]["generation"])

    await until(done, what=f"status of {name} is up to date")


async def created(server: FakeServer, name: str = "a", body: LLM | None = None) -> Object:
    """A new LLMDeployment with its RayService."""
    made = create(server, name, body)
    await until(lambda: child(server, name), what="RayService made")
    await synced(server, name)
    return made


async def says(server: FakeServer, kind: str, value: str, name: str = "a") -> None:
    """Waits for a condition's status or reason."""
    await until(
        lambda: value in (condition(server, kind, name).get("status"), condition(server, kind, name).get("reason")),
        what=f"{kind}={value} of {name}",
    )


async def serving(server: FakeServer, body: LLM | None = None) -> Object:
    """`created`, then KubeRay serves it."""
    made = await created(server, "a", body)
    await kuberay.serves(server)
    await says(server, "Ready", "True")
    return made


@scenario("create")
async def _create(server: FakeServer) -> None:
    await created(server)


@scenario("create and serve")
async def _create_and_serve(server: FakeServer) -> None:
    await serving(server)


@scenario("edit in place")
async def _edit_in_place(server: FakeServer) -> None:
    await serving(server, _A.scaling(minReplicas=1, maxReplicas=2))
    edit(server, _spec(_A.scaling(minReplicas=1, maxReplicas=5)))
    await synced(server)
    patched = Address("rayclusters", NAMESPACE, "a-abcde")
    await until(
        lambda: (
            _group(server.objects.get(patched))["maxReplicas"]
            == _group(child(server), "rayClusterConfig")["maxReplicas"]
        ),
        what="bounds of the live RayCluster",
    )
    await kuberay.serves(server)
    await says(server, "Ready", "True")


def _group(obj: Object | None, *path: str) -> Object:
    spec = (obj or {})["spec"]
    for part in path:
        spec = spec[part]
    group: Object = spec["workerGroupSpecs"][0]
    return group


@scenario("edit that needs a new cluster")
async def _edit_new_cluster(server: FakeServer) -> None:
    await serving(server)
    before = (child(server) or {})["metadata"]["generation"]
    edit(server, _spec(_A.model(resources={"cpu": "6"})))
    await until(lambda: (child(server) or {})["metadata"]["generation"] > before, what="RayService changed")
    assert not _head_is_excluded(server), "the workers of the new one are no endpoints yet when it takes over"
    await synced(server)
    await kuberay.upgrades(server)
    await says(server, "Progressing", "True")
    await kuberay.switched(server)
    await says(server, "Progressing", "False")
    await kuberay.endpoints(server, 2)
    await until(lambda: _head_is_excluded(server), what="the head takes no requests any more")
    await synced(server)
    await kuberay.serves(server, cluster="fghij")
    await says(server, "Progressing", "False")
    await says(server, "Ready", "True")


def _head_is_excluded(server: FakeServer) -> bool:
    return bool((child(server) or {})["spec"]["excludeHeadPodFromServeSvc"])


@scenario("add and remove a model")
async def _models(server: FakeServer) -> None:
    made = await serving(server)
    edit(server, _spec(_A.add_model("second")))
    await synced(server)
    await kuberay.serves(server)
    await until(lambda: parent(server)["status"]["modelsReady"] == "2/2", what="both ready")
    edit(server, made["spec"])
    await synced(server)
    await kuberay.serves(server)
    await until(lambda: parent(server)["status"]["modelsReady"] == "1/1", what="one ready")


@scenario("suspend")
async def _suspend(server: FakeServer) -> None:
    made = await serving(server)
    edit(server, {**made["spec"], "suspend": True})
    await until(lambda: child(server) is None, what="RayService deleted")
    await synced(server)


@scenario("resume")
async def _resume(server: FakeServer) -> None:
    made = create(server, body=_A.with_("spec.suspend", True))
    await synced(server)
    edit(server, {**made["spec"], "suspend": False})
    await until(lambda: child(server), what="RayService made")
    await synced(server)
    await kuberay.serves(server)
    await says(server, "Ready", "True")


@scenario("pause, edit by hand, go on")
async def _pause(server: FakeServer) -> None:
    made = await serving(server)
    edit(server, {**made["spec"], "paused": True})
    await until(
        lambda: parent(server)["status"]["observedGeneration"] == parent(server)["metadata"]["generation"],
        what="paused",
    )
    wanted = (child(server) or {})["spec"]
    server.objects.merge_patch(SERVICE, {"spec": {"serveConfigV2": "by hand"}})
    await until(
        lambda: "changes wait" in str(condition(server, "Rendered").get("message")), what="the edit by hand is known"
    )
    edit(server, {**made["spec"], "paused": False})
    await until(lambda: (child(server) or {})["spec"] == wanted, what="spec restored")
    await synced(server)
    await kuberay.serves(server)
    await says(server, "Ready", "True")


@scenario("spec edited by hand")
async def _drift(server: FakeServer) -> None:
    await serving(server)
    wanted = (child(server) or {})["spec"]
    server.objects.merge_patch(SERVICE, {"spec": {"serveConfigV2": "by hand"}})
    await until(lambda: (child(server) or {})["spec"] == wanted, what="spec restored")
    await synced(server)
    await kuberay.serves(server)
    await says(server, "Ready", "True")


@scenario("labels removed by hand")
async def _labels(server: FakeServer) -> None:
    await created(server)
    before = (child(server) or {})["metadata"]["labels"]
    gone = {"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody", "llm-operator.io/deployment": None}}}
    server.objects.merge_patch(SERVICE, gone)
    await until(lambda: (child(server) or {})["metadata"]["labels"] == before, what="labels restored")


@scenario("child deleted by hand")
async def _child_deleted(server: FakeServer) -> None:
    await serving(server)
    uid = (child(server) or {})["metadata"]["uid"]
    server.objects.delete(SERVICE)
    await until(
        lambda: (child(server) or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid,
        what="RayService made again",
    )
    await says(server, "Ready", "False")
    await synced(server)
    await kuberay.serves(server)
    await says(server, "Ready", "True")


@scenario("invalid edit and its repair")
async def _invalid(server: FakeServer) -> None:
    await serving(server)
    edit(server, _spec(_A.scaling(minReplicas=5, maxReplicas=2)))
    await says(server, "Accepted", "False")
    edit(server, _spec(_A.scaling(minReplicas=2, maxReplicas=5)))
    await says(server, "Accepted", "True")
    await synced(server)
    await kuberay.serves(server)
    await says(server, "Ready", "True")


@scenario("delete and create again")
async def _delete(server: FakeServer) -> None:
    await serving(server)
    server.objects.delete(PARENT)
    assert child(server) is None
    await created(server)


@scenario("KubeRay installed late", prepare=lambda server: server.installed.discard("ray.io/v1"))
async def _kuberay_late(server: FakeServer) -> None:
    create(server)
    await says(server, "Rendered", "KubeRayNotInstalled")
    server.installed.add("ray.io/v1")
    await until(lambda: child(server), what="RayService made")
    await synced(server)
    await kuberay.serves(server)
    await says(server, "Ready", "True")


@scenario("ready, not ready, ready")
async def _flap(server: FakeServer) -> None:
    await serving(server)
    await kuberay.serves(server, state="UNHEALTHY", engine="UNHEALTHY", message="replica died")
    await says(server, "Ready", "False")
    await kuberay.serves(server)
    await says(server, "Ready", "True")


@scenario("somebody else's RayService of that name")
async def _foreign(server: FakeServer) -> None:
    metadata = {"name": "a", "namespace": NAMESPACE}
    theirs = {"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": metadata, "spec": {"serveConfigV2": "x"}}
    server.objects.create("rayservices", theirs)
    create(server)
    await says(server, "Rendered", "NameConflict")
    server.objects.delete(SERVICE)
    await until(lambda: child(server), what="our RayService")
    await synced(server)
