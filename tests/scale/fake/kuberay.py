"""Plays KubeRay and Ray: makes RayServices serve, with a RayCluster and pods, and lets them flap."""

import asyncio
import json
from typing import Any, Final

from scale.fake.store import Address, Object, Store, Stored

MANAGER: Final = "kuberay-operator"
SERVING: Final = "RUNNING"


class Player:
    """Writes to the store as KubeRay would; none of it counts as a request."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._flapping: asyncio.Task[None] | None = None
        self.transitions = 0
        """Changes of state that the flapping made so far."""

    def look(self, at: Address, service: Stored) -> None:
        """KubeRay's first words about a new RayService, or about a new generation of it."""
        status = service.part("status")
        if status.get("observedGeneration") != service.metadata["generation"]:
            waiting = {"type": "Ready", "status": "False", "reason": "Initializing", "message": ""}
            status = {"conditions": [waiting], **status, "observedGeneration": service.metadata["generation"]}
            if "numServeEndpoints" in status:
                status["numServeEndpoints"] = _endpoints(service.part("spec"))
            self._store.set_status(at, status, MANAGER)

    @property
    def flapping(self) -> bool:
        """Whether it still goes on."""
        return self._flapping is not None and not self._flapping.done()

    async def serve(self, count: int) -> int:
        """Makes the first `count` RayServices that have no RayCluster yet serve. Returns how many."""
        done = 0
        for at, service in self._store.each("rayservices"):
            if done == count:
                break
            if "activeServiceStatus" in service.part("status"):
                continue
            self._cluster(at, service)
            self._store.set_status(at, self._status(at, service, SERVING), MANAGER)
            done += 1
            await asyncio.sleep(0)  # the requests' turn
        return done

    def flap(self, *, objects: int, hertz: float, seconds: float, state: str) -> None:
        """The first `objects` RayServices change `hertz` times a second between serving and `state`, and serve at the end."""
        self._flapping = asyncio.create_task(self._flap(objects, hertz, seconds, state))

    async def _flap(self, objects: int, hertz: float, seconds: float, state: str) -> None:
        chosen = list(self._store.each("rayservices"))[:objects]
        loop = asyncio.get_running_loop()
        rounds = int(hertz * seconds) // 2 * 2
        begin = loop.time()
        for number in range(1, rounds + 1):
            await asyncio.sleep(max(0.0, begin + number / hertz - loop.time()))
            for at, service in chosen:
                status = self._status(at, service, state if number % 2 else SERVING)
                # KubeRay writes the time of its last look, which is no news.
                self._store.set_status(at, {**status, "lastUpdateTime": str(number)}, MANAGER)
                self.transitions += 1

    def _status(self, at: Address, service: Stored, state: str) -> Object:
        healthy = state == SERVING
        applications = json.loads(service.part("spec")["serveConfigV2"])["applications"]
        deployments = {"OpenAiIngress": {"status": "HEALTHY"}}
        statuses = {
            app["name"]: {
                "status": state,
                "message": "" if healthy else "The application has 1 unhealthy deployment.",
                "serveDeploymentStatuses": {
                    "LLMServer:" + app["name"].replace(".", "_"): {"status": "HEALTHY" if healthy else "UNHEALTHY"},
                    **deployments,
                },
            }
            for app in applications
        }
        conditions = [
            {"type": "Ready", "status": str(healthy), "reason": "NonZeroServeEndpoints" if healthy else "Initializing",
             "message": ""},
            {"type": "UpgradeInProgress", "status": "False", "reason": "NoPendingCluster", "message": ""},
        ]  # fmt: skip
        return {
            "observedGeneration": service.metadata["generation"],
            "conditions": conditions,
            "numServeEndpoints": _endpoints(service.part("spec")),
            "activeServiceStatus": {"rayClusterName": f"{at.name}-abcde", "applicationStatuses": statuses},
            "pendingServiceStatus": {},
        }

    def _cluster(self, at: Address, service: Stored) -> None:
        config = service.part("spec")["rayClusterConfig"]
        labels = {key: value for key, value in service.metadata["labels"].items()}
        owner = _owner("RayService", at.name, service.metadata["uid"])
        name = f"{at.name}-abcde"
        body = _object("ray.io/v1", "RayCluster", at.namespace, name, labels, owner)
        made, _ = self._store.apply(Address("rayclusters", at.namespace, name), {**body, "spec": config}, MANAGER)
        self._store.set_status(Address("rayclusters", at.namespace, name), _cluster_status(config), MANAGER)
        owner = _owner("RayCluster", name, made.metadata["uid"])
        self._pod(at.namespace, f"{name}-head", config["headGroupSpec"], labels, owner)
        for group in config["workerGroupSpecs"]:
            for number in range(_workers(group)):
                self._pod(at.namespace, f"{name}-{group['groupName']}-{number}", group, labels, owner)

    def _pod(self, namespace: str, name: str, group: Object, labels: Object, owner: Object) -> None:
        template = group["template"]
        kind = "head" if "rayStartParams" in group and "groupName" not in group else "worker"
        labels = {**labels, **(template.get("metadata", {}).get("labels") or {}), "ray.io/node-type": kind}
        body = _object("v1", "Pod", namespace, name, labels, owner)
        at = Address("pods", namespace, name)
        self._store.apply(at, {**body, "spec": {**template["spec"], "nodeName": "node-1"}}, MANAGER)
        self._store.set_status(at, _pod_status(template["spec"]), "kubelet")


def _workers(group: Object) -> int:
    return max(1, int(group.get("minReplicas", 1)))


def _endpoints(spec: Object) -> int:
    """Every worker is an endpoint of the Service, and the head unless it is excluded (KubeRay 1.6.2, excludeHeadPodFromServeSvc)."""
    workers = sum(map(_workers, spec["rayClusterConfig"]["workerGroupSpecs"]))
    return workers + (not spec.get("excludeHeadPodFromServeSvc", False))


def _owner(kind: str, name: str, uid: str) -> Object:
    return {"apiVersion": "ray.io/v1", "kind": kind, "name": name, "uid": uid, "controller": True}


def _object(api: str, kind: str, namespace: str, name: str, labels: Object, owner: Object) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": labels, "ownerReferences": [owner]}
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


def _cluster_status(config: Object) -> Object:
    pods = 1 + sum(max(1, group.get("minReplicas", 1)) for group in config["workerGroupSpecs"])
    return {"state": "ready", "availableWorkerReplicas": pods - 1, "desiredWorkerReplicas": pods - 1}


def _pod_status(spec: Any) -> Object:
    true = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    time = "2026-01-01T00:00:00Z"
    containers = [
        {"name": one["name"], "image": one.get("image", ""), "ready": True, "started": True, "restartCount": 0,
         "state": {"running": {"startedAt": time}}, "imageID": "sha256:" + "0" * 64}
        for one in spec["containers"]
    ]  # fmt: skip
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": time} for kind in true]
    return {"phase": "Running", "podIP": "10.0.0.1", "conditions": conditions, "containerStatuses": containers}
