"""What the classifier says of an edit is what the real KubeRay does: which RayClusters there are, whether the live one and its
pods stay, and what Serve's replicas do meanwhile. The operator has no part in it: the RayService is applied by hand.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import change_edits
import pytest
from builders import applied
from change_edits import NAME, Edit, Object
from cluster import env, names
from cluster.shell import say
from demo.forward import port_forward
from e2e.kube import until
from llm_operator.api.change_class import ChangeClass
from llm_operator.change.cluster import groups
from llm_operator.change.model import Change

READY_SECONDS: Final = 420.0
STAYS: Final = (*change_edits.IN_PLACE, *change_edits.RESTARTS, *change_edits.MORE)
OF_SERVE: Final = (ChangeClass.IN_PLACE, ChangeClass.REPLICA_RESTART)


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is at one moment."""

    clusters: dict[str, str]
    """RayCluster → name, most pods and tolerations of each of its groups."""
    pods: frozenset[str]
    """Uids of the active cluster's pods that are not on their way out."""
    replicas: dict[str, frozenset[str]]
    """Application → ids of running replicas."""
    deployed: dict[str, float]
    """Application → when Serve was last given it."""


class Service:
    """One RayService in a namespace of its own."""

    def __init__(self) -> None:
        self.namespace = f"change-classes-{uuid4().hex[:6]}"
        self.document = change_edits.document(names.image_ref("serve-cpu"), self.namespace)
        self.live: Object = applied(change_edits.rendered(self.document, None))

    def _get(self, kind: str, *args: str) -> Any:
        return env.get(kind, "-n", self.namespace, *args)

    def status(self) -> Any:
        return (self._get("rayservices.ray.io", NAME) or {}).get("status") or {}

    def cluster(self, side: str = "active") -> str:
        """Name of a RayCluster in the status; "" when there is none."""
        return str((self.status().get(f"{side}ServiceStatus") or {}).get("rayClusterName", ""))

    def apply(self, rayservice: Object) -> int:
        """The generation that it has then. Without an owner that nobody knows: it would be collected as garbage."""
        metadata = {key: rayservice["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
        body = {**rayservice, "metadata": metadata}
        body.pop("status", None)
        printed = env.kubectl(
            "apply", "--server-side", "--force-conflicts", "-o", "json", "-f", "-", input=json.dumps(body)
        )
        return int(json.loads(printed)["metadata"]["generation"])

    def taken_up(self, generation: int) -> None:
        """KubeRay writes this generation in the same step in which it names a pending cluster (KubeRay 1.6.2,
        rayservice_controller.go, calculateStatus)."""
        until(f"generation {generation}", lambda: self.status().get("observedGeneration") == generation, seconds=60)

    def serves(self) -> bool:
        found = (self.status().get("activeServiceStatus") or {}).get("applicationStatuses") or {}
        return {"chat", "router"} <= found.keys() and all(each["status"] == "RUNNING" for each in found.values())

    def start(self) -> None:
        env.kubectl("create", "namespace", self.namespace)
        self.apply(self.live)
        until(f"{NAME} serves", self.serves, seconds=READY_SECONDS)

    def remove(self) -> None:
        env.kubectl("delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found")


class Watched:
    """The RayService with an open port to the dashboard of its active cluster."""

    def __init__(self, service: Service, url: str, token: str) -> None:
        self.service, self._url, self._token = service, url, token

    def _applications(self) -> Any:
        request = urllib.request.Request(f"{self._url}/api/serve/applications/")
        request.add_header("Authorization", f"Bearer {self._token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["applications"]

    def seen(self) -> Seen:
        clusters = self.service._get("rayclusters.ray.io")["items"]
        pods = self.service._get("pods", "-l", f"ray.io/cluster={self.service.cluster()}")["items"]
        serve = self._applications()
        return Seen(
            {each["metadata"]["name"]: _groups(each) for each in clusters},
            frozenset(each["metadata"]["uid"] for each in pods if "deletionTimestamp" not in each["metadata"]),
            {name: _running(details) for name, details in serve.items()},
            {name: details["last_deployed_time_s"] for name, details in serve.items()},
        )

    def wait_serve(self, before: Seen) -> None:
        """Serve was given the configuration anew, and chat and router run. (A second model need not.)"""

        def done() -> bool:
            found = self._applications()
            given = all(found[name]["last_deployed_time_s"] > before.deployed[name] for name in ("chat", "router"))
            return given and all(found[name]["status"] == "RUNNING" for name in ("chat", "router"))

        until("Serve runs the new configuration", done, seconds=180)

    def edit(self, edit: Edit) -> tuple[Change, Seen, Seen]:
        """What the classifier says; what was there before and after."""
        service = self.service
        document = change_edits.edited(service.document, edit)
        wanted = change_edits.rendered(document, service.live)
        said, before = change_edits.expected(service.live, wanted), self.seen()
        changes_serve = wanted["spec"]["serveConfigV2"] != service.live["spec"]["serveConfigV2"]
        service.taken_up(generation := service.apply(wanted))
        if pending := service.cluster("pending"):  # KubeRay makes it in its next step
            until(f"RayCluster {pending}", lambda: pending in _names(service), seconds=60)
        if said.change_class is ChangeClass.NEW_CLUSTER:
            after = self.seen()
            self._take_back()
            return said, before, after
        if changes_serve:
            self.wait_serve(before)
        service.document, service.live = document, applied(wanted, generation)
        return said, before, self.seen()

    def _take_back(self) -> None:
        """The spec as it was, and no other cluster: KubeRay keeps a pending one whatever the next edit says, and what it
        gave up for as long as requests may take to end."""
        self.service.apply(self.service.live)
        until("only the cluster that serves is left", self._alone, seconds=120)

    def _alone(self) -> bool:
        service = self.service
        pending, active = service.cluster("pending"), service.cluster()
        if pending:  # its name is taken out of KubeRay's status, since no edit does that
            path = "/status/pendingServiceStatus"
            operations = [
                {"op": "test", "path": f"{path}/rayClusterName", "value": pending},
                {"op": "replace", "path": path, "value": {}},
            ]
            env.try_kubectl("patch", "rayservices.ray.io", NAME, "-n", service.namespace, "--subresource=status",
                            "--type=json", "-p", json.dumps(operations))  # fmt: skip
        others = set(_names(service)) - {active}
        if others:
            env.kubectl("delete", "rayclusters.ray.io", *others, "-n", service.namespace, "--wait=false",
                        "--ignore-not-found")  # fmt: skip
        return not pending and not others


def _groups(cluster: Object) -> str:
    found = [
        (group["groupName"], group["maxReplicas"], group["template"]["spec"].get("tolerations"))
        for group in cluster["spec"]["workerGroupSpecs"]
    ]
    return json.dumps(found)


def _names(service: Service) -> list[str]:
    return [each["metadata"]["name"] for each in service._get("rayclusters.ray.io")["items"]]


def _running(details: Any) -> frozenset[str]:
    return frozenset(
        replica["replica_id"]
        for deployment in details["deployments"].values()
        for replica in deployment["replicas"]
        if replica["state"] == "RUNNING"
    )


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    env.guard()
    service = Service()
    try:
        service.start()
        (head,) = service._get("pods", "-l", f"ray.io/cluster={service.cluster()},ray.io/node-type=head")["items"]
        name = head["metadata"]["name"]
        token = env.read_in_pod(service.namespace, name, "printenv", "RAY_AUTH_TOKEN", container="ray-head")
        with port_forward(service.namespace, f"pod/{name}", 8265) as url:
            yield Watched(service, url, token.strip())
    finally:
        service.remove()


def _told(edit: Edit, said: Change, before: Seen, after: Seen) -> None:
    more = sorted(after.clusters.keys() - before.clusters.keys())
    restarted = [name for name, ids in before.replicas.items() if not ids & after.replicas.get(name, frozenset())]
    say(
        f"{edit.name}: {said.change_class}; new RayClusters {more}, restarted {restarted}, pods kept {before.pods <= after.pods}"
    )


@pytest.mark.parametrize("edit", [pytest.param(edit, id=edit.name) for edit in STAYS])
def test_the_cluster_stays(watched: Watched, edit: Edit) -> None:
    said, before, after = watched.edit(edit)
    _told(edit, said, before, after)
    assert said.change_class in (ChangeClass.NONE, *OF_SERVE)
    assert after.clusters.keys() == before.clusters.keys()
    assert before.pods <= after.pods
    # KubeRay copies neither bounds nor tolerations; only with a group at the end it takes over everything.
    appended = "rayClusterConfig.workerGroupSpecs[more]" in said.service_paths
    assert (after.clusters != before.clusters) == appended
    for name in ("chat", "router"):
        kept = bool(before.replicas[name] & after.replicas[name])
        assert kept == (name not in said.restarted)


@pytest.mark.parametrize("edit", [pytest.param(edit, id=edit.name) for edit in change_edits.NEW_CLUSTERS])
def test_another_cluster_starts(watched: Watched, edit: Edit) -> None:
    said, before, after = watched.edit(edit)
    _told(edit, said, before, after)
    assert said.change_class is ChangeClass.NEW_CLUSTER
    assert len(after.clusters.keys() - before.clusters.keys()) == 1
    assert before.clusters.items() <= after.clusters.items()
    assert before.pods <= after.pods
    assert before.replicas == after.replicas


def test_another_cluster_needs_on_top_what_kuberay_makes(watched: Watched) -> None:
    """The head and the fewest pods of every group, of the cluster that serves."""
    service = watched.service
    wanted = groups(service.live["spec"]["rayClusterConfig"])
    assert len(watched.seen().pods) == 1 + sum(group["minReplicas"] for group in wanted)
