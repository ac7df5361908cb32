"""Edits of one small LLMDeployment, one upon the other, for the tests that watch what really happens: tests/serve (Ray Serve)
and tests/catalogue (KubeRay). What each should do is not said here: the classifier says it, before."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from builders import UID
from llm_operator.change.classify import classify
from llm_operator.change.model import Change
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync

Object = dict[str, Any]

NAME: Final = "changes"
NOW: Final = "2026-01-05T12:00:00Z"
ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Edit:
    """One field and its new value; ABSENT removes it."""

    name: str
    path: str
    value: Any


def document(image: str, namespace: str) -> Object:
    """A simulated model and a custom application, with as little as they need."""
    small = {"cpu": "50m", "memory": "3Gi", "sharedMemory": "256Mi"}
    model = {
        "name": "chat",
        "aliases": ["chat-a"],
        "source": {"uri": "hf://org/chat"},
        "engine": {"type": "Simulated", "contextLength": 2048},
        "accelerators": [{"type": "CPU"}],
        "resources": dict(small),
        "scaling": {"minReplicas": 1, "maxReplicas": 1, "targetOngoingRequests": 8},
    }
    router = {
        "name": "router",
        "importPath": "llm_serve_app.ab_router:build",
        "args": {"targets": {"a": {"url": "/chat"}, "b": {"url": "/chat"}}, "sticky_header": "x-session-id"},
        "workers": {"resources": dict(small)},
        "deployments": [{"name": "ABRouter", "actor": {"cpu": 0.1}, "userConfig": {"split": {"a": 9, "b": 1}}}],
    }
    head = {"resources": {"cpu": "50m", "memory": "3Gi"}}
    return {
        "apiVersion": "llm-operator.io/v1alpha1",
        "kind": "LLMDeployment",
        "metadata": {"name": NAME, "namespace": namespace, "uid": UID, "generation": 1},
        "spec": {"models": [model], "applications": [router], "ray": {"image": image, "head": head}},
    }


MODEL: Final = "models.0"
APP: Final = "applications.0"
ACTOR: Final = f"{APP}.deployments.0"
_WINDOW: Final = {
    "name": "night",
    "days": ["Sun"],
    "start": "22:00",
    "end": "04:00",
    "minReplicas": 1,
    "maxReplicas": 2,
}

IN_PLACE: Final = (
    Edit("nothing", "rollout", {"progressDeadlineSeconds": 1200}),
    Edit("more replicas at the most", f"{MODEL}.scaling.maxReplicas", 2),
    Edit("another target", f"{MODEL}.scaling.targetOngoingRequests", 16),
    Edit("more requests at once", f"{MODEL}.scaling.maxOngoingRequests", 64),
    Edit("a queue", f"{MODEL}.scaling.maxQueuedRequests", 100),
    Edit("scale up later", f"{MODEL}.scaling.scaleUpDelaySeconds", 60),
    Edit("scale down later", f"{MODEL}.scaling.scaleDownDelaySeconds", 900),
    Edit("look further back", f"{MODEL}.scaling.lookBackSeconds", 60),
    Edit("measure less often", f"{MODEL}.scaling.metricsIntervalSeconds", 20),
    Edit("scale up slower", f"{MODEL}.scaling.upscalingFactor", 0.5),
    Edit("scale down slower", f"{MODEL}.scaling.downscalingFactor", 0.5),
    Edit("a window of the week", f"{MODEL}.scaling.schedules", [_WINDOW]),
    Edit("another health period", f"{MODEL}.health.periodSeconds", 20),
    Edit("another health timeout", f"{MODEL}.health.timeoutSeconds", 40),
    Edit("longer to end", f"{MODEL}.health.gracefulShutdownSeconds", 150),
    Edit("another alias", f"{MODEL}.aliases", ["chat-a", "chat-b"]),
    Edit("tolerations", f"{MODEL}.accelerators.0.tolerations", [{"key": "spot", "operator": "Exists"}]),
    Edit("another split", f"{ACTOR}.userConfig", {"split": {"a": 1, "b": 1}}),
    Edit("an application's replicas", f"{ACTOR}.scaling", {"minReplicas": 1, "maxReplicas": 2}),
    Edit("an application's requests at once", f"{ACTOR}.maxOngoingRequests", 500),
    Edit("an application's health", f"{ACTOR}.health", {"periodSeconds": 15, "gracefulShutdownSeconds": 20}),
    Edit("another route", f"{APP}.routePrefix", "/elsewhere"),
)
RESTARTS: Final = (
    Edit("an application's arguments", f"{APP}.args.sticky_header", "x-user"),
    Edit("an application's target", f"{APP}.args.targets.b.url", "/other"),
    Edit("an actor's CPU", f"{ACTOR}.actor.cpu", 0.2),
    Edit("an actor's memory", f"{ACTOR}.actor.memory", "64Mi"),
)
ENGINE_RESTARTS: Final = (
    Edit("another context length", f"{MODEL}.engine.contextLength", 1024),
    Edit("an engine argument", f"{MODEL}.engine.args", {"seed": 7}),
    Edit("another number of sequences", f"{MODEL}.engine.maxNumSeqs", 16),
    Edit("another revision", f"{MODEL}.source.revision", "v2"),
    Edit("another source", f"{MODEL}.source.uri", "hf://org/other"),
    Edit("a slower simulation", f"{MODEL}.engine.simulation", {"timePerOutputTokenMs": 20}),
    Edit("another type of number", f"{MODEL}.engine.dtype", "bfloat16"),
    Edit("a longer start", f"{MODEL}.health.startupSeconds", 900),
    Edit("a tool parser", f"{MODEL}.engine.toolCallParser", "hermes"),
    Edit("no alias", f"{MODEL}.aliases", ABSENT),
)
NEW_CLUSTERS: Final = (
    Edit("the head's memory", "ray.head.resources.memory", "3100Mi"),
    Edit("the head's CPU", "ray.head.resources.cpu", "60m"),
    Edit("idle time of pods", "ray.autoscaler.idleTimeoutSeconds", 120),
    Edit("how fast pods come", "ray.autoscaler.upscalingMode", "Aggressive"),
    Edit("memory of a model's pods", f"{MODEL}.resources.memory", "3100Mi"),
    Edit("CPU of a model's pods", f"{MODEL}.resources.cpu", "60m"),
    Edit("shared memory", f"{MODEL}.resources.sharedMemory", "128Mi"),
    Edit("a variable of the pods", f"{MODEL}.engine.env", [{"name": "A", "value": "1"}]),
    Edit("nodes of a model", f"{MODEL}.accelerators.0.nodeSelector", {"kubernetes.io/os": "linux"}),
    Edit("pods of an application", f"{APP}.workers.resources.memory", "3100Mi"),
    Edit("a cache", f"{MODEL}.cache", {"weights": {"emptyDir": {}}}),
    Edit("the classic ingress", "performance", {"profile": "Classic"}),
)
MORE: Final = (
    Edit("one more model", "models.1", {
        "name": "more", "source": {"uri": "hf://org/more"}, "engine": {"type": "Simulated"}, "accelerators": [{"type": "CPU"}],
        "resources": {"cpu": "50m", "memory": "3Gi", "sharedMemory": "256Mi"},
    }),
    Edit("one model less", "models.1", ABSENT),
)  # fmt: skip


def edited(made: Object, edit: Edit) -> Object:
    """The LLMDeployment with one edit more."""
    made = copy.deepcopy(made)
    node: Any = made["spec"]
    *parents, last = edit.path.split(".")
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    if isinstance(node, list):
        node[int(last) :] = [] if edit.value is ABSENT else [copy.deepcopy(edit.value)]
    elif edit.value is ABSENT:
        node.pop(last, None)
    else:
        node[last] = copy.deepcopy(edit.value)
    made["metadata"]["generation"] += 1
    return made


def rendered(made: Object, live: Object | None) -> Object:
    """The RayService of it, over a live one; the live one when nothing is to be applied. Without a status, no rollout strategy
    changes what the edit itself does."""
    child = None if live is None else {key: value for key, value in live.items() if key != "status"}
    outcome = sync(Scope(parent=made, now=NOW, child=child))
    accepted = next(each for each in outcome.status["conditions"] if each["type"] == "Accepted")
    assert accepted["status"] == "True", accepted["message"]
    return outcome.apply or live or {}


def expected(live: Object, wanted: Object) -> Change:
    """What the classifier says."""
    return classify(live, wanted)
