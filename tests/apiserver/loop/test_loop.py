"""The whole loop at the real API server: its conflicts, owners, quotas, policies and garbage collector, with KubeRay played."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from apiserver.loop.operator import Operator
from apiserver.loop.player import Player
from apiserver.server import STRICT, Object, Server
from builders import LLM, llm
from cluster import env
from cluster.shell import ClusterError
from e2e.kube import until
from llm_operator.kube.resources import LLMDEPLOYMENTS, PODS, RAYCLUSTERS, RAYSERVICES

MODEL: Final = "qwen3-8b"


class Loop:
    """One LLMDeployment of the test's own, and short words for what users do with it."""

    def __init__(self, server: Server, namespace: str, name: str) -> None:
        self.server, self.namespace, self.name = server, namespace, name
        self.player = Player(server, namespace)
        self.body: LLM = llm(name, namespace).with_("spec.models.0.name", MODEL)

    def document(self) -> Object:
        """As a user writes it."""
        document = self.body.object()
        document["metadata"] = {"name": self.name, "namespace": self.namespace}
        return document

    def apply(self, **model: Any) -> Object:
        """`kubectl apply --server-side`, with fields of the model changed."""
        self.body = self.body.model(**model)
        return self.server.apply(LLMDEPLOYMENTS, self.document(), manager="user", query=STRICT).accepted()

    def parent(self) -> Object:
        """As it is now."""
        return self.server.get(LLMDEPLOYMENTS, self.document())

    def condition(self, kind: str) -> Object:
        """One condition; {} while it is not there."""
        found = self.parent().get("status", {}).get("conditions", ())
        return next((entry for entry in found if entry["type"] == kind), {})

    def until(self, kind: str, status: str, reason: str = "") -> Object:
        """The condition, once it says so."""

        def says() -> Object | None:
            found = self.condition(kind)
            return found if (found.get("status") == status and reason in ("", found.get("reason"))) else None

        return until(f"{kind}={status} {reason} of {self.name}; now {self.condition(kind)}", says, seconds=30)

    def child(self) -> Object | None:
        """Its RayService."""
        answer = self.server.request("GET", RAYSERVICES.path(self.namespace, self.name))
        return answer.body if answer.code == 200 else None

    def applied(self) -> Object:
        """The RayService, once it is there."""
        found: Object = until("the RayService is made", self.child, seconds=30)
        return found

    def serves(self) -> None:
        """Ready."""
        self.applied()
        self.player.serves(self.name, MODEL)
        self.until("Ready", "True")


@pytest.fixture
def loop(operator: Operator, server: Server, namespace: str, own_name: str) -> Iterator[Loop]:
    made = Loop(server, namespace, own_name)
    yield made
    for resource in (LLMDEPLOYMENTS, RAYSERVICES):
        server.request("DELETE", resource.path(namespace, own_name), {"propagationPolicy": "Background"})


def _versions(server: Server, namespace: str) -> dict[str, str]:
    return {
        item["metadata"]["uid"]: item["metadata"]["resourceVersion"]
        for resource in (LLMDEPLOYMENTS, RAYSERVICES, RAYCLUSTERS, PODS)
        for item in server.request("GET", resource.path(namespace)).accepted()["items"]
    }


def test_ready_and_back(loop: Loop) -> None:
    loop.apply()
    loop.until("Ready", "False", "Creating")
    loop.serves()
    loop.player.serves(loop.name, MODEL, state="DEPLOY_FAILED", engine="UNHEALTHY", message="no such argument")
    assert "no such argument" in loop.until("Ready", "False")["message"]
    loop.player.serves(loop.name, MODEL)
    loop.until("Ready", "True", "Serving")


def test_a_restart_writes_nothing(loop: Loop, operator: Operator) -> None:
    loop.apply()
    loop.serves()
    operator.resynced()
    before = _versions(loop.server, loop.namespace)
    operator.stop()
    operator.start()
    operator.resynced()
    assert _versions(loop.server, loop.namespace) == before


def test_a_killed_operator_goes_on_where_it_was(loop: Loop, operator: Operator) -> None:
    """An edit and a deletion by hand while nobody looks."""
    loop.apply()
    loop.serves()
    operator.stop(9)
    path = RAYSERVICES.path(loop.namespace, loop.name)
    loop.server.request("DELETE", path, {"propagationPolicy": "Background"}).accepted()
    loop.apply(scaling={"minReplicas": 2, "maxReplicas": 3})
    operator.start()
    groups = loop.applied()["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    assert [group["minReplicas"] for group in groups] == [2]
    loop.serves()


def test_two_people_edit_at_once(loop: Loop) -> None:
    """Whoever came last wins, and nothing of the others is left."""
    loop.apply()
    loop.serves()

    def edit(number: int) -> None:
        document = loop.body.model(scaling={"minReplicas": 1, "maxReplicas": 2 + number}).object()
        document["metadata"] = {"name": loop.name, "namespace": loop.namespace}
        loop.server.apply(LLMDEPLOYMENTS, document, manager="user", query=STRICT).accepted()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(edit, range(40)))
    live = loop.parent()
    wanted = live["spec"]["models"][0]["scaling"]["maxReplicas"]

    def reached() -> bool:
        status = loop.parent()["status"]
        groups = loop.applied()["spec"]["rayClusterConfig"]["workerGroupSpecs"]
        seen = status["observedGeneration"] == live["metadata"]["generation"]
        return seen and [group["maxReplicas"] for group in groups] == [wanted]

    until("the last edit is in force", reached, seconds=30)


def test_an_edit_by_hand_is_undone(loop: Loop) -> None:
    loop.apply()
    loop.serves()
    path = RAYSERVICES.path(loop.namespace, loop.name)
    before = loop.applied()["spec"]
    patch = {"spec": {"serveConfigV2": "{}"}, "metadata": {"labels": {"team": "a"}}}
    loop.server.request("PATCH", path, patch, content_type="application/merge-patch+json").accepted()
    until("the Serve configuration is ours again", lambda: loop.applied()["spec"] == before, seconds=30)
    assert loop.applied()["metadata"]["labels"]["team"] == "a", "what others add stays"


def test_somebody_elses_service_is_left_alone(loop: Loop, server: Server) -> None:
    theirs = {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": loop.name, "namespace": loop.namespace},
        "spec": {
            "rayClusterConfig": {"headGroupSpec": {"rayStartParams": {}, "template": {"spec": {"containers": []}}}}
        },
    }
    made = server.create(RAYSERVICES, theirs, {}).accepted()
    loop.apply()
    assert "is there and not ours" in loop.until("Rendered", "False", "NameConflict")["message"]
    assert loop.applied()["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    server.request("DELETE", RAYSERVICES.path(loop.namespace, loop.name)).accepted()
    loop.until("Rendered", "True")


def test_a_quota_refuses_and_is_lifted(loop: Loop, server: Server) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": loop.namespace},
        "spec": {"hard": {"count/rayservices.ray.io": "0"}},
    }
    path = f"/api/v1/namespaces/{loop.namespace}/resourcequotas"
    server.request("POST", path, quota).accepted()
    try:
        until(
            "the quota is in force",
            lambda: "hard" in server.request("GET", f"{path}/none").body.get("status", {}),
            seconds=30,
        )
        loop.apply()
        said = loop.until("Rendered", "False", "ApplyRejected")["message"]
        assert "exceeded quota" in said
        assert loop.child() is None
    finally:
        server.request("DELETE", f"{path}/none").accepted()
    loop.until("Rendered", "True")
    loop.serves()


@pytest.fixture
def policy(server: Server, own_name: str, namespace: str) -> Iterator[str]:
    """A ValidatingAdmissionPolicy of the cluster's administrator: images of this namespace come from one registry."""
    root = "/apis/admissionregistration.k8s.io/v1"
    rules = [{"apiGroups": ["ray.io"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["rayservices"]}]
    images = "object.spec.rayClusterConfig.headGroupSpec.template.spec.containers.all(c, !c.image.startsWith('bad/'))"
    spec = {
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": images, "message": "images of bad/ are not allowed here"}],
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    binding = {"policyName": own_name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": selector}}
    kinds = (("validatingadmissionpolicies", spec), ("validatingadmissionpolicybindings", binding))
    for plural, body in kinds:
        server.request("POST", f"{root}/{plural}", {"metadata": {"name": own_name}, "spec": body}).accepted()
    yield own_name
    for plural, _ in kinds:
        server.request("DELETE", f"{root}/{plural}/{own_name}").accepted()


def test_a_policy_refuses_and_the_service_stays(loop: Loop, policy: str) -> None:
    loop.apply()
    loop.serves()
    service = loop.applied()
    good = loop.body

    def refused() -> bool:
        """A new policy takes a moment to be in force."""
        loop.body = good.with_("spec.ray", {"image": "bad/ray:1"})
        loop.apply()
        try:
            until("refused", lambda: loop.condition("Rendered").get("reason") == "ApplyRejected", seconds=5)
        except ClusterError:
            loop.body = good
        else:
            return True
        loop.apply()
        return False

    until("the policy is in force", refused, seconds=120)
    assert "images of bad/ are not allowed here" in loop.until("Rendered", "False", "ApplyRejected")["message"]
    assert loop.condition("Ready")["status"] == "True", "what runs goes on serving"
    loop.body = good
    loop.apply()
    loop.until("Rendered", "True")
    assert loop.applied()["spec"] == service["spec"]


def test_the_garbage_collector_removes_the_child(loop: Loop, server: Server) -> None:
    loop.apply()
    loop.serves()
    server.request("DELETE", LLMDEPLOYMENTS.path(loop.namespace, loop.name), {"propagationPolicy": "Background"})
    until("the RayService is gone", lambda: loop.child() is None, seconds=60)
    loop.apply()
    loop.serves()


def test_an_upgrade_keeps_the_models_ready(loop: Loop) -> None:
    loop.apply()
    loop.serves()
    loop.player.prepares(loop.name, f"{loop.name}-fghij")
    assert loop.name in loop.until("Progressing", "True", "Upgrading")["message"]
    assert loop.condition("Ready")["status"] == "True"


def test_a_pod_that_finds_no_node(loop: Loop) -> None:
    loop.apply()
    loop.applied()
    loop.player.serves(loop.name, MODEL, state="DEPLOYING", engine="UPDATING")
    worker = next(name for name in _pods(loop) if not name.endswith("-head"))
    message = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
    gate = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    loop.player.pod(worker, {"phase": "Pending", "conditions": [gate]})
    assert "nvidia.com/gpu" in loop.until("Degraded", "True", "Unschedulable")["message"]


def _pods(loop: Loop) -> list[str]:
    found = loop.server.request("GET", PODS.path(loop.namespace)).accepted()["items"]
    return [pod["metadata"]["name"] for pod in found if pod["metadata"]["name"].startswith(loop.name)]


def test_events_say_what_happened(loop: Loop) -> None:
    loop.apply()
    loop.serves()
    printed = json.loads(env.kubectl("get", "events.events.k8s.io", "-n", loop.namespace, "-o", "json"))
    seen = {item["reason"] for item in printed["items"] if item["regarding"]["name"] == loop.name}
    assert "Serving" in seen
