"""What users and KubeRay do, as short calls on the fake server's objects."""

from typing import Any

from builders import LLM, llm, serving
from contract.objects import Address, Object
from contract.operator_process import until
from contract.server import FakeServer

NAMESPACE = "llm"
SERVICE = Address("rayservices", NAMESPACE, "a")
PARENT = Address("llmdeployments", NAMESPACE, "a")
BUDGET = Address("poddisruptionbudgets", NAMESPACE, "a-head")
LEASE = Address("leases", "llm-operator-system", "llm-operator")
CREATE = {"apply rayservices": 1, "apply poddisruptionbudgets": 1, "apply llmdeployments/status": 1}


def create(server: FakeServer, name: str = "a", body: LLM | None = None) -> Object:
    """`kubectl apply` of a new LLMDeployment."""
    return server.objects.create("llmdeployments", (body or llm(name)).object())


def edit(server: FakeServer, spec: dict[str, Any], name: str = "a") -> Object:
    """`kubectl edit`: the whole spec."""
    live = parent(server, name)
    return server.objects.replace("llmdeployments", {**live, "spec": spec})


def parent(server: FakeServer, name: str = "a") -> Object:
    """The LLMDeployment; it must be there."""
    found = server.objects.get(Address("llmdeployments", NAMESPACE, name))
    assert found is not None
    return found


def child(server: FakeServer, name: str = "a") -> Object | None:
    """Its RayService, or None."""
    return server.objects.get(Address("rayservices", NAMESPACE, name))


def condition(server: FakeServer, kind: str, name: str = "a") -> Object:
    """A condition of the LLMDeployment; {} when it is not there."""
    found = parent(server, name).get("status", {}).get("conditions", ())
    return next((entry for entry in found if entry["type"] == kind), {})


def kuberay_serves(server: FakeServer, name: str = "a") -> None:
    """KubeRay reports that the first model runs, on a live RayCluster that has the RayService's groups."""
    service = child(server, name)
    assert service is not None
    model = parent(server, name)["spec"]["models"][0]["name"]
    status = serving(service, model)["status"]
    metadata = {
        "name": status["activeServiceStatus"]["rayClusterName"],
        "namespace": NAMESPACE,
        "labels": service["metadata"]["labels"],
        "ownerReferences": [{"kind": "RayService", "name": name, "uid": service["metadata"]["uid"]}],
    }
    cluster = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": metadata}
    server.objects.create("rayclusters", {**cluster, "spec": service["spec"]["rayClusterConfig"]})
    server.objects.set_status("rayservices", NAMESPACE, name, status)


async def converged(server: FakeServer, name: str = "a") -> None:
    """Waits until the status is about the newest spec and knows the RayService."""

    def done() -> bool:
        live = parent(server, name)
        status = live.get("status", {})
        seen = status.get("observedGeneration") == live["metadata"]["generation"]
        return seen and bool(status.get("rayService", {}).get("generation"))

    await until(done, what=f"status of {name} is up to date")


async def ready(server: FakeServer, name: str = "a") -> None:
    """Waits for Ready=True."""
    await until(lambda: condition(server, "Ready", name).get("status") == "True", what=f"Ready=True of {name}")
