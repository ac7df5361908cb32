"""Plays KubeRay and the kubelet: writes the statuses that they would write, and makes pods that no node ever runs.

The words are those of KubeRay 1.6.2 and Ray 2.60 (tests/builders.py, tests/unit/status/recorded)."""

from __future__ import annotations

from typing import Any, Final

from apiserver.server import STRICT, Object, Server
from builders import serving
from llm_operator.api import names
from llm_operator.kube.resources import PODS, RAYCLUSTERS, RAYSERVICES, Resource

_KUBERAY: Final = "kuberay-operator"
_MERGE: Final = "application/merge-patch+json"
_GATE: Final = [{"name": "llm-operator.io/player"}]


class Player:
    """One namespace's."""

    def __init__(self, server: Server, namespace: str) -> None:
        self._server, self._namespace = server, namespace

    def service(self, name: str) -> Object:
        """The RayService, which must be there."""
        return self._server.get(RAYSERVICES, {"metadata": {"name": name, "namespace": self._namespace}})

    def serves(
        self, name: str, *models: str, state: str = "RUNNING", engine: str = "HEALTHY", message: str = ""
    ) -> None:
        """KubeRay took up the newest RayService: a RayCluster with a head and a worker, and Serve in this state."""
        live = self.service(name)
        status = serving(live, *models, state=state, engine=engine, message=message)["status"]
        self._cluster(live, status["activeServiceStatus"]["rayClusterName"])
        self.status(RAYSERVICES, name, status)

    def prepares(self, name: str, pending: str) -> None:
        """KubeRay prepares another cluster; the active one's applications are blanked, as it does."""
        live = self.service(name)
        self._cluster(live, pending)
        active = live["status"]["activeServiceStatus"]["rayClusterName"]
        conditions = [
            {**entry, "status": "True", "reason": "BothActivePendingClustersExist"}
            if entry["type"] == "UpgradeInProgress"
            else entry
            for entry in live["status"]["conditions"]
        ]
        self.status(
            RAYSERVICES,
            name,
            {
                "observedGeneration": live["metadata"]["generation"],
                "conditions": conditions,
                "activeServiceStatus": {"rayClusterName": active, "applicationStatuses": None},
                "pendingServiceStatus": {"rayClusterName": pending},
            },
        )

    def pod(self, name: str, status: dict[str, Any]) -> None:
        """What the scheduler or the kubelet says of a pod."""
        self.status(PODS, name, status)

    def status(self, resource: Resource, name: str, status: dict[str, Any]) -> None:
        """A write of the status subresource, with times where the kind asks for them."""
        for condition in status.get("conditions", ()):
            condition.setdefault("lastTransitionTime", "2026-01-01T00:00:00Z")
        path = resource.path(self._namespace, name, "status")
        query = {"fieldManager": _KUBERAY}
        self._server.request("PATCH", path, {"status": status}, query=query, content_type=_MERGE).accepted()

    def _cluster(self, service: Object, name: str) -> None:
        owner = {
            "apiVersion": names.RAY_API_VERSION,
            "kind": names.RAY_SERVICE_KIND,
            "name": service["metadata"]["name"],
            "uid": service["metadata"]["uid"],
        }
        labels = {key: str(value) for key, value in service["metadata"]["labels"].items()}
        metadata = {"name": name, "namespace": self._namespace, "labels": labels, "ownerReferences": [owner]}
        spec = service["spec"]["rayClusterConfig"]
        made = self._server.apply(
            RAYCLUSTERS,
            {"apiVersion": names.RAY_API_VERSION, "kind": "RayCluster", "metadata": metadata, "spec": spec},
            manager=_KUBERAY,
        ).accepted()
        self._pod(made, f"{name}-head", "head", "headgroup", spec["headGroupSpec"]["template"])
        for group in spec["workerGroupSpecs"]:
            self._pod(made, f"{name}-{group['groupName']}", "worker", group["groupName"], group["template"])

    def _pod(self, cluster: Object, name: str, kind: str, group: str, template: Object) -> None:
        """Gated: the scheduler never looks at it, so no node runs it."""
        if self._server.request("GET", PODS.path(self._namespace, name)).code == 200:
            return
        owner = {
            "apiVersion": names.RAY_API_VERSION,
            "kind": "RayCluster",
            "name": cluster["metadata"]["name"],
            "uid": cluster["metadata"]["uid"],
            "controller": True,
        }
        labels = {
            **template["metadata"].get("labels", {}),
            names.RAY_NODE_TYPE_LABEL: kind,
            names.RAY_GROUP_LABEL: group,
            "ray.io/cluster": cluster["metadata"]["name"],
        }
        metadata = {"name": name, "namespace": self._namespace, "labels": labels, "ownerReferences": [owner]}
        document = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {**template["spec"], "schedulingGates": _GATE},
        }
        self._server.create(PODS, document, STRICT).accepted()
        running = {"type": "Ready", "status": "True"}
        self.pod(name, {"phase": "Running", "conditions": [running]})
