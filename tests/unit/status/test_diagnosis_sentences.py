"""Whole sentences of causes: what `sentences.yaml` says, word for word (`--update` rewrites it; read the difference)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import llm
from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Scope
from llm_operator.status.diagnosis import Cause, diagnose
from llm_operator.status.diagnosis.engine import recognised
from llm_operator.status.diagnosis.evidence import Subject
from llm_operator.status.diagnosis.words import MOST, shortened
from llm_operator.status.observed import observe
from unit.plan.test_resolve import plan

WANT = Path(__file__).parent / "sentences.yaml"
APPLICATION = {
    "name": "app",
    "importPath": "llm_serve_app.batch:build",
    "workers": {"resources": {"cpu": "4"}},
    "deployments": [{"name": "BatchedSentiment"}],
}
ENV = [{"name": "A", "secretKeyRef": {"name": "token", "key": "k"}}]
CHAT_ENV = [{"name": "B", "secretKeyRef": {"name": "prompts", "key": "k"}}]
MADE = (
    llm("chat")
    .model(accelerators=[{"type": "L4", "count": 2}])
    .with_("spec.ray", {"image": "i"})
    .with_("spec.models.0.engine", {"env": CHAT_ENV})
    .with_("spec.applications", [{**APPLICATION, "env": ENV}])
)
EMPTY = "Preemption is not helpful for scheduling."


def pod(group: str = "chat", going: bool = False, asks: Any = None, init: Any = None, **status: Any) -> dict[str, Any]:
    labels = {"ray.io/node-type": "head"} if group == "head" else {"ray.io/node-type": "worker", "ray.io/group": group}
    asked = asks or {"cpu": "3", "nvidia.com/gpu": "2", "memory": "8Gi", "ephemeral-storage": "50Gi", "x.com/nic": "1"}
    spec = {"containers": [{"name": "ray", "resources": {"requests": asked, "limits": {"memory": "8Gi"}}}]}
    if init is not None:
        spec["initContainers"] = [{"name": "wait", "resources": {"requests": init}}, {"name": "free"}]
    metadata: dict[str, Any] = {"labels": labels} | ({"deletionTimestamp": "t"} if going else {})
    return {"metadata": metadata, "spec": spec, "status": status}


def waits(message: str, **more: Any) -> dict[str, Any]:
    placed = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod(conditions=[placed], **more)


def lacks(*resources: str, nodes: int = 3, after: str = "", **more: Any) -> dict[str, Any]:
    said = ", ".join(f"{nodes} Insufficient {each}" for each in resources)
    return waits(f"0/{nodes} nodes are available: {said}.{after}", **more)


def ended(
    code: int = 1, message: str | None = None, group: str = "chat", going: bool = False, **more: Any
) -> dict[str, Any]:
    """A container that is restarted in place, and how it ended the last time."""
    terminated = {"exitCode": code, "reason": "Error"} | ({} if message is None else {"message": message})
    name = "ray-head" if group == "head" else "ray"
    return pod(group, going, containerStatuses=[{"name": name, "lastState": {"terminated": terminated}, **more}])


def killed(group: str = "chat") -> dict[str, Any]:
    """For its memory."""
    state = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    return pod(group, containerStatuses=[{"name": "ray", "state": state}])


def exited(code: int, message: str | None = None, going: bool = False) -> dict[str, Any]:
    terminated = {"exitCode": code} | ({} if message is None else {"message": message})
    return pod(going=going, containerStatuses=[{"name": "ray", "state": {"terminated": terminated}}])


def evicted(message: str, **more: Any) -> dict[str, Any]:
    return pod(phase="Failed", reason="Evicted", message=message, **more)


def mounts(
    *volumes: dict[str, Any], since: str = "2026-01-01T00:58:00Z", going: bool = False, **status: Any
) -> dict[str, Any]:
    """It has a node since then and waits for its volumes."""
    placed = {"type": "PodScheduled", "status": status.pop("placed", "True"), "lastTransitionTime": since}
    ready = {"type": "PodReadyToStartContainers", "status": status.pop("ready", "False")}
    made = pod(going=going, **{"phase": "Pending", "conditions": [placed, ready], **status})
    made["spec"]["volumes"] = list(volumes)
    return made


def unset(message: str, reason: str = "CreateContainerConfigError", group: str = "chat") -> dict[str, Any]:
    return pod(group, containerStatuses=[{"name": "ray", "state": {"waiting": {"reason": reason, "message": message}}}])


CLAIM = {"name": "w", "persistentVolumeClaim": {"claimName": "weights"}}
MAP = {"name": "m", "configMap": {"name": "prompts", "items": [{"key": "a"}, {"key": "b"}]}}
SECRET = {"name": "s", "secret": {"secretName": "keys"}}
LOOPS: dict[str, Any] = {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}
PODS: dict[str, tuple[dict[str, Any], ...]] = {
    "nothing": (pod(),),
    "cpu": (lacks("cpu"),),
    "cpu of the head": (lacks("cpu", group="head"),),
    "memory, even when empty": (lacks("memory", after=f" preemption: 0/3 nodes are available: 3 {EMPTY}"),),
    "storage": (lacks("ephemeral-storage"),),
    "storage of an application": (lacks("ephemeral-storage", group="app"),),
    "device": (lacks("nvidia.com/gpu"),),
    "device, even when empty": (lacks("nvidia.com/gpu", after=f" preemption: 0/3 nodes are available: 3 {EMPTY}"),),
    "device, empty on some nodes only": (lacks("nvidia.com/gpu", after=f" preemption: 0/3 nodes are available: 2 {EMPTY}"),),
    "two devices and cpu, even when empty": (
        lacks("cpu", "x.com/nic", "nvidia.com/gpu", after=f" preemption: 0/3 nodes are available: 3 {EMPTY}"),
    ),
    "device of an application": (lacks("nvidia.com/gpu", group="app"),),
    "device of the head": (lacks("nvidia.com/gpu", group="head"),),
    "something that it does not ask for": (lacks("x.com/other", asks={"cpu": "1"}),),
    "init container asks for more": (lacks("cpu", asks={"cpu": "1"}, init={"cpu": "1500m"}),),
    "init container and memory": (lacks("cpu", "memory", asks={"cpu": "1", "memory": "1Gi"}, init={"cpu": "2"}),),
    "init container asks for as much": (lacks("cpu", asks={"cpu": "2"}, init={"cpu": "2"}),),
    "taint of a model": (waits("0/3 nodes are available: 3 node(s) had untolerated taint {a: b}."),),
    "taints of an application": (
        waits("0/3 nodes are available: 1 node(s) had untolerated taint {c: d}, 2 node(s) had untolerated taint {a: b}.", group="app"),
    ),
    "taint without a name, of the head": (waits("0/3 nodes are available: 3 node(s) had untolerated taints.", group="head"),),
    "taint and cpu": (
        waits(f"0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {{a: b}}. preemption: 0/3: 3 {EMPTY}"),
    ),
    "selector of a model": (waits("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."),),
    "selector of the head": (waits("0/3 nodes are available: 3 node(s) didn't match node selector.", group="head"),),
    "selector of an application": (waits("0/3 nodes are available: 3 node(s) didn't match Pod's node selector.", group="app"),),
    "volume zone": (waits("0/3 nodes are available: 3 node(s) had volume node affinity conflict."),),
    "claim": (waits('0/3 nodes are available: persistentvolumeclaim "w" not found. preemption: 0/3.'),),
    "claim without a volume": (waits("0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."),),
    "spread": (waits("0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints."),),
    "anti-affinity and many pods": (
        waits("0/3 nodes are available: 1 Too many pods, 2 node(s) didn't match pod anti-affinity rules."),
    ),
    "cordoned and ports": (waits("0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't have free ports."),),
    "volumes": (mounts(SECRET, CLAIM, {"name": "e", "emptyDir": {}}, MAP),),
    "volumes, not for long": (mounts(CLAIM, since="2026-01-01T00:58:01Z"),),
    "volumes that need no mount": (mounts({"name": "e", "emptyDir": {}}),),
    "volumes of a pod without a node, of one that started, of one that runs, of one that goes, of one that waits": (
        mounts(CLAIM, placed="False"), mounts(CLAIM, ready="True"), mounts(CLAIM, phase="Running"), mounts(CLAIM, going=True),
        mounts(MAP),
    ),
    "secret that nobody names": (unset('secret "keys" not found'),),
    "secret that nobody names, of an application": (unset('secret "keys" not found', group="app"),),
    "key of a config map that the model names": (unset("couldn't find key k in ConfigMap llm/prompts"),),
    "key of a secret that the application names": (unset("couldn't find key k in Secret llm/token", group="app"),),
    "secret that another one names": (unset('secret "token" not found'),),
    "other reasons to wait": (unset("x", "ContainerCreating"), unset("no words", "CreateContainerConfigError")),
    "no words": (waits("something new"),),
    "of a pod that goes, then one that stays": (lacks("memory", going=True), pod(), lacks("cpu")),
    "crash loop": (ended(1, "first\n  last line  \n\n", **LOOPS),),
    "crash loop without words": (ended(2, " \n", **LOOPS),),
    "crash loop, no message": (ended(139, None, **LOOPS),),
    "three restarts": (ended(1, "x", restartCount=3, ready=False),),
    "two restarts": (ended(1, "x", restartCount=2),),
    "ready again, then one that is not": (
        ended(1, "x", restartCount=9, ready=True),
        ended(1, "x", restartCount=2),
        ended(3, "y", restartCount=4),
    ),
    "crash loop of a pod that goes": (ended(1, "x", going=True, **LOOPS),),
    "redis of the head": (ended(1, "RuntimeError: a\nFailed to connect to Redis at r:6379", "head", **LOOPS),),
    "redis of a worker": (ended(1, "no redis", **LOOPS),),
    "killed for memory, after another container that ended": (ended(0, "x"), killed()),
    "killed for memory, of the head": (killed("head"),),
    "killed for memory, of an application": (killed("app"),),
    "crash loop of a group that nobody owns": (ended(1, "x", "zzz", **LOOPS), ),
    "waits, of a group that nobody owns": (lacks("cpu", group="zzz"),),
    "exited": (exited(1, " why \n"),),
    "exited without words": (exited(2),),
    "exited in order, then one that did not": (exited(0), exited(137), exited(143), exited(1, "gone", going=True), exited(5)),
    "evicted for its disk": (evicted("Pod ephemeral local storage usage exceeds the total limit of containers 50Gi. "),),
    "evicted for an empty dir": (evicted('Usage of EmptyDir volume "c" exceeds the limit "10Gi". ', group="app"),),
    "evicted for its container": (evicted("Container ray exceeded its local ephemeral storage limit 1Gi."),),
    "evicted for its node": (evicted("The node was low on resource: memory. Threshold quantity: 1, available: 0. "),),
    "evicted while it goes, then one that stays": (evicted("a", going=True), evicted("The node had condition: [DiskPressure]. ")),
}  # fmt: skip


# API server 1.34 and KubeRay 1.6.2, as recorded in `recorded`.
REFUSALS = {
    "quota": 'FailedCreateWorkerPod Failed to create worker Pod llm/x: pods "x" is forbidden: exceeded quota: small, requested: '
    "limits.memory=8Gi, used: limits.memory=6Gi, limited: limits.memory=8Gi \n",
    "profile": 'FailedCreateHeadPod pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true.',
    "limits": "FailedDeletePod maximum memory usage per Pod is 1Gi, but limit is 8Gi..",
    "webhook": 'Internal error: failed calling webhook "a.b": connection refused',
    "policy": "ValidatingAdmissionPolicy 'p' denied request: no",
    "service account": 'pods "x" is forbidden: error looking up service account llm/none: serviceaccount "none" not found',
    "no words": "",
}


def refused(message: str) -> Cause | None:
    quiet = {"type": "ReplicaFailure", "status": "False", "message": "not this one"}
    said = {"type": "ReplicaFailure", "status": "True", "message": message}
    other = {"type": "Other", "status": "True", "message": "nor this one"}
    live = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}
    clusters: tuple[dict[str, Any], ...] = (
        {"metadata": {}},
        {"metadata": {}, "status": {"conditions": [quiet, other, said]}},
    )
    scope = Scope(parent=MADE.object(), now="2026-01-01T01:00:00Z", child=live, clusters=clusters)
    return diagnose(scope, observe(live), plan(MADE))


def cause(*pods: dict[str, Any], child: dict[str, Any] | None = None) -> Cause | None:
    live = child or {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}
    return diagnose(
        Scope(parent=MADE.object(), now="2026-01-01T01:00:00Z", child=live, pods=pods), observe(live), plan(MADE)
    )


def _replica(asked: list[dict[str, float]], name: str = "chat") -> dict[str, Any]:
    message = (
        f"Deployment 'D' in application '{name}' has 1 replicas that have taken more than 30s to be scheduled. This may be due to "
        f"waiting. Resources required for each replica: {json.dumps(asked)}, total resources available: {{}}. Use `ray status`."
    )
    engine = {"LLMServer:chat" if name == "chat" else "Main": {"status": "UPDATING", "message": message}}
    side = {
        "rayClusterName": "c",
        "applicationStatuses": {name: {"status": "DEPLOYING", "serveDeploymentStatuses": engine}},
    }
    return {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "activeServiceStatus": side}}


REPLICAS = {
    "too many": _replica([{"CPU": 1.0, "group:chat": 0.001}, {"CPU": 64.0, "GPU": 3.0, "group:chat": 0.001}]),
    "of an application": _replica([{"CPU": 64.0, "group:app": 0.001}], "app"),
    "another kind": _replica([{"accelerator_type:H100": 0.001, "group:chat": 0.001}]),
    "nothing": _replica([{"group:none": 0.001}]),
    "of nobody": _replica([{"CPU": 64.0}], "gone"),
}


def _said(found: Cause | None) -> str | None:
    return None if found is None else f"{found.reason.value}: {found.message}"


def test_sentences(request: pytest.FixtureRequest) -> None:
    got = {name: _said(cause(*pods)) for name, pods in PODS.items()}
    got |= {f"replica: {name}": _said(cause(child=child)) for name, child in REPLICAS.items()}
    got |= {f"refused: {name}": _said(refused(message)) for name, message in REFUSALS.items()}
    if request.config.getoption("--update"):
        WANT.write_text(yaml.safe_dump(got, sort_keys=False, width=150, allow_unicode=True), encoding="utf-8")
    assert yaml.safe_load(WANT.read_text(encoding="utf-8")) == got


def test_when_the_head_is_lost_only_heads_are_looked_at() -> None:
    live = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}
    worker, head = ended(1, "w", **LOOPS), ended(1, "h", "head", **LOOPS)
    lost = Cause(Reason.CRASH_LOOP, "the head  is\nlost")

    def said(*pods: dict[str, Any]) -> str | None:
        scope = Scope(parent=MADE.object(), now="2026-01-01T01:00:00Z", child=live, pods=pods)
        return _said(diagnose(scope, observe(live), None, lost))

    assert said(worker) == "CrashLoop: the head is lost"
    assert said(worker, head) == "CrashLoop: head: container ray-head ends with 1 each time it is started: h"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "OSError: [Errno 28] No space left on device",
            "raise spec.applications[0].workers.resources.ephemeralStorage",
        ),
        ("Cannot allocate memory", "Raise spec.applications[0].workers.resources.memory"),
        ("Engine core initialization failed", "(raise spec.applications[0].workers.resources.memory)"),
    ],
)
def test_fields_of_an_application_are_those_that_it_has(text: str, said: str) -> None:
    found = recognised(text, Subject("application", "app", "spec.applications[0]", {}))
    assert found is not None
    assert said in found[1]
    assert ".cache." not in found[1]


@pytest.mark.parametrize(
    ("text", "most", "want"),
    [
        ("a  b\n c", MOST, "a b c"),
        ("x" * 700, MOST, "x" * 700),
        ("x" * 701, MOST, "x" * 347 + " ... " + "x" * 347),
        ("0123456789", 10, "0123456789"),
        ("0123456789a", 10, "01 ... 9a"),
        ("0123456789a", 9, "01 ... 9a"),
    ],
)
def test_shortened(text: str, most: int, want: str) -> None:
    assert shortened(text, most) == want
