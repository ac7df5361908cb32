"""A small cluster in memory for stories of changes: the API server's and KubeRay's part, as far as a rollout sees them.

KubeRay 1.6.2 (controllers/ray/rayservice_controller.go): one look makes, replaces, promotes or deletes Ray clusters, by a hash of
the Ray cluster's spec; the application states of a look are given by the story, and go to the pending cluster if there is one.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from golden.case import NOW, UID, kept, put, stored
from golden.case import _application as application_state
from golden.test_restarts import cluster_hash
from llm_operator.capacity.room import Room
from llm_operator.capacity.shapes import priority_class, shapes
from llm_operator.capacity.tally import Tally
from llm_operator.outcome import Event, Outcome
from llm_operator.plan.inputs import DEFAULT_POLICY, GatewaySeen, Probed, Scope
from llm_operator.sync import sync

Object = dict[str, Any]


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _hash(config: Object, groups: int) -> str:
    return cluster_hash({"spec": {"rayClusterConfig": config}}, groups)


@dataclass
class World:
    """What is stored, and the clock."""

    spec: Object
    generation: int = 1
    now: str = NOW
    status: Object | None = None
    child: Object | None = None
    clusters: dict[str, Object] = field(default_factory=dict)
    others: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    probes: dict[str, Probed] | None = None
    """None: nobody asks."""
    nodes: list[Object] | None = None
    """Kubernetes nodes, whose `taken` is what runs there. None: nobody counts."""
    refusal: str = ""
    """Of the API server, when somebody counts."""
    counted: int = 0
    written: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    made: int = 0

    def scope(self) -> Scope:
        """As the operator's caches have it."""
        metadata = {"name": "chat", "namespace": "llm", "uid": UID, "generation": self.generation}
        parent: Object = {"apiVersion": "llm-operator.io/v1alpha1", "kind": "LLMDeployment", "metadata": metadata}
        parent |= {"spec": copy.deepcopy(self.spec)} | ({} if self.status is None else {"status": _plain(self.status)})
        clusters = tuple({"metadata": {"name": name}, **body} for name, body in sorted(self.clusters.items()))
        return Scope(
            parent=parent,
            now=self.now,
            child=_plain(self.child),
            clusters=_plain(clusters),
            pods=self.pods,
            probes=self.probes,
            others=self.others,
            policy=replace(DEFAULT_POLICY, gateway_classes=("istio",), free_capacity=self.nodes is not None),
            gateway=GatewaySeen(address="192.0.2.1"),
        )

    # --- people
    def edit(self, changes: Object) -> None:
        """Pointers into the spec; null removes nothing, it is an error."""
        for pointer, value in changes.items():
            put(self.spec, pointer, copy.deepcopy(value))
        self.generation += 1

    def by_hand(self, changes: Object) -> None:
        """Somebody edits the RayService."""
        assert self.child is not None
        for pointer, value in changes.items():
            put(self.child, pointer, value)
        self.child["metadata"]["generation"] += 1

    def wait(self, seconds: int) -> None:
        """Time goes by."""
        self.now = (datetime.fromisoformat(self.now) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    # --- the operator: control/reconciler.py, without its errors
    def reconcile(self) -> Outcome:
        """One reconcile, and what it wrote."""
        scope = self.scope()
        outcome = sync(scope)
        while outcome.announce:
            self._write_status(outcome)
            scope = self.scope()
            outcome = sync(scope)
        if outcome.room_for is not None:
            outcome = sync(replace(scope, room=self._room(outcome.room_for)))
        deleting = self.child is not None and "deletionTimestamp" in self.child["metadata"]
        if outcome.apply is not None and not deleting:
            self._apply(outcome)
            scope = Scope(**{**_fields(self.scope()), "applied": True})
            outcome = sync(scope)
        if outcome.delete_child and not deleting:
            assert self.child is not None
            self.child["metadata"] |= {"deletionTimestamp": self.now, "finalizers": ["ray.io/rayservice-finalizer"]}
            self.written.append("delete RayService")
            outcome = sync(self.scope())
        for obj in outcome.objects:
            self.written.append(f"apply {obj['kind']} {obj['metadata']['name']}")
        self.others = kept(outcome.objects, self.others)
        for removal in outcome.removals:
            self.written.append(f"delete {removal.kind} {removal.name}")
            self.others = tuple(obj for obj in self.others if obj["metadata"]["name"] != removal.name)
        self._write_status(outcome)
        self._drop(outcome)
        return outcome

    def _room(self, config: Any) -> Room:
        self.counted += 1
        if self.refusal:
            return Room(known=False, unknown=self.refusal)
        tally = Tally(shapes(config), priority_class(config), lambda _: False)
        for node in self.nodes or ():
            ready = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {**node["has"], "pods": "110"}}
            tally.node({"metadata": {"name": node["name"]}, "status": ready})
        for node in self.nodes or ():
            container = {"resources": {"requests": node.get("taken", {})}}
            tally.pod({"metadata": {}, "spec": {"nodeName": node["name"], "containers": [container]}})
        return tally.room()

    def _apply(self, outcome: Outcome) -> None:
        self.child = stored(_plain(outcome.apply), self.child, [])
        self.written.append("apply RayService")
        self.events += outcome.events

    def _write_status(self, outcome: Outcome) -> None:
        if outcome.status != self.status:
            self.status = _plain(outcome.status)
            self.written.append("status")
            self.events += outcome.events

    def _drop(self, outcome: Outcome) -> None:
        if outcome.drop_pending is None:
            return
        assert self.child is not None
        test, replace = outcome.drop_pending.operations
        assert self.child["status"]["pendingServiceStatus"]["rayClusterName"] == test["value"]
        put(self.child, replace["path"], replace["value"])
        self.written.append(f"drop {test['value']}")

    # --- KubeRay
    def refuse(self, reason: str, message: str) -> None:
        """KubeRay does nothing but say so: it refuses the RayService, or has given it up (then its clusters go)."""
        assert self.child is not None
        status = self.child.setdefault("status", {})
        ready = {"type": "Ready", "status": "False", "reason": reason, "message": message}
        status["conditions"] = [ready]
        if reason == "InitializingTimeout":
            self.clusters = {}
            status |= {"observedGeneration": self.child["metadata"]["generation"]}
            status |= {"activeServiceStatus": {}, "pendingServiceStatus": {}}

    def kuberay(self, states: dict[str, Any]) -> None:
        """One look. `states`: application → `APP/ENGINE` or {status, message, ...} as Serve says it of the cluster that is
        looked at."""
        assert self.child is not None
        if "deletionTimestamp" in self.child["metadata"]:
            self.child, self.clusters = None, {}
            return
        before = self.child.get("status") or {}
        active = (before.get("activeServiceStatus") or {}).get("rayClusterName", "")
        pending = (before.get("pendingServiceStatus") or {}).get("rayClusterName", "")
        active, pending = self._clusters(active, pending)
        found = {name: application_state(name, said) for name, said in states.items()}
        served: Object = {"rayClusterName": pending or active, "applicationStatuses": found}
        if self.child["spec"]["upgradeStrategy"]["type"] != "NewCluster":
            served["targetCapacity"] = 100
        # A worker behind a Service that has just been pointed at it is Ready a moment later.
        head = int(not self.child["spec"]["excludeHeadPodFromServeSvc"])
        endpoints = head + 2 if active else 0
        if pending and found and all(each["status"] == "RUNNING" for each in found.values()):
            active, pending, endpoints = pending, "", head
        self.clusters = {name: body for name, body in self.clusters.items() if name in (active, pending)}
        ready = bool(active)
        self.child["status"] = {
            "observedGeneration": self.child["metadata"]["generation"],
            "lastUpdateTime": self.now,
            "numServeEndpoints": endpoints,
            "conditions": [
                {
                    "type": "Ready",
                    "status": str(ready),
                    "reason": "NonZeroServeEndpoints" if ready else "Initializing",
                    "message": "",
                },
            ],
            "activeServiceStatus": (served if not pending else {"rayClusterName": active}) if active else {},
            "pendingServiceStatus": served if pending else {},
        }

    def steps(self, traffic: int) -> None:
        """One look of KubeRay with RayServiceIncrementalUpgrade on, both Ray clusters serving, when `traffic` percent of the requests
        have moved to the new one (1.6.2, rayservice_controller.go, reconcileRollbackState, reconcilePromotionAndServingStatus)."""
        assert self.child is not None
        status = self.child["status"]
        active = status["activeServiceStatus"]["rayClusterName"]
        pending = status["pendingServiceStatus"].get("rayClusterName", "")
        config = self.child["spec"]["rayClusterConfig"]
        groups = len(config["workerGroupSpecs"])
        found = {name: application_state(name, "RUNNING/HEALTHY") for name in self._served()}
        back = bool(pending) and _hash(self.clusters[pending]["spec"], groups) != _hash(config, groups)
        if not pending and _hash(self.clusters[active]["spec"], groups) != _hash(config, groups):
            active, pending = self._clusters(active, "")
        elif back and traffic == 0:
            pending = ""
        elif not back and traffic == 100:
            active, pending = pending, ""
        self.clusters = {name: body for name, body in self.clusters.items() if name in (active, pending)}
        share = {"applicationStatuses": found, "targetCapacity": 100}
        others = [each for each in status.get("conditions", ()) if each["type"] != "RollbackInProgress"]
        status |= {
            "conditions": [*others, *([{"type": "RollbackInProgress", "status": "True"}] if back and pending else [])],
            "observedGeneration": self.child["metadata"]["generation"],
            "lastUpdateTime": self.now,
            "activeServiceStatus": {
                **share,
                "rayClusterName": active,
                "trafficRoutedPercent": 100 - traffic if pending else 100,
            },
            "pendingServiceStatus": {**share, "rayClusterName": pending, "trafficRoutedPercent": traffic}
            if pending
            else {},
        }

    def _served(self) -> list[str]:
        assert self.child is not None
        return [str(each["name"]) for each in json.loads(self.child["spec"]["serveConfigV2"])["applications"]]

    def _clusters(self, active: str, pending: str) -> tuple[str, str]:
        assert self.child is not None
        config = self.child["spec"]["rayClusterConfig"]
        looked_at = pending or active
        if looked_at and looked_at in self.clusters:
            live = self.clusters[looked_at]["spec"]
            groups = len(live["workerGroupSpecs"])
            if len(config["workerGroupSpecs"]) >= groups and _hash(live, groups) == _hash(config, groups):
                if len(config["workerGroupSpecs"]) > groups:
                    self.clusters[looked_at]["spec"] = _plain(config)
                return active, pending
        self.made += 1
        name = f"chat-{self.made:05d}"
        self.clusters[name] = {"spec": _plain(config)}
        return active, name


def _fields(scope: Scope) -> dict[str, Any]:
    return {name: getattr(scope, name) for name in scope.__slots__}
