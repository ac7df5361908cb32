"""A sample made small enough for this machine, and stand-ins for what it expects to find in its namespace.

Kept: kinds of accelerators, pods and devices per pod, parallelism, routing, tasks, sources, secrets, volumes, scheduling. Changed:
engines are simulated, pods ask for little CPU and memory, and there are the fewest replicas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import samples
from catalogue import served
from cluster import env, fake_devices, nodes
from cluster.engine import docker
from e2e import kube
from e2e.kube import Object

_FEWEST: Final = ("minReplicas", "maxReplicas")
VOLUMES: Final = "/var/tmp/catalogue"
"""On every node; anybody may write there, since the kubelet gives no folder of a node to a pod's fsGroup."""
PER_NODE: Final = 32
"""Devices: a sample that takes 8 of each node runs beside the one before and the one behind it."""
MEMORY_PER_ENGINE_GIB: Final = 1
"""Above the 2 GiB that every worker pod gets: one more process that has imported vLLM."""


def _fewest(scaling: Object) -> Object:
    """A model that may sleep still may; every other one keeps its fewest."""
    fewest = scaling.get("minReplicas", 1)
    rest = {key: value for key, value in scaling.items() if key not in (*_FEWEST, "initialReplicas", "schedules")}
    return {**rest, "minReplicas": fewest, "maxReplicas": max(1, fewest)}


def _small_model(model: Object) -> None:
    model["scaling"] = _fewest(model.get("scaling", {}))
    for role in ("prefill", "decode"):
        half = model.get("disaggregation", {}).get(role, {})
        if "scaling" in half:
            half["scaling"] = _fewest(half["scaling"])
    model["resources"].pop("ephemeralStorage", None)
    # Refused by the operator of the local cluster; nothing is loaded here that could bring code.
    model["engine"].get("args", {}).pop("trust-remote-code", None)
    if "kvCache" in model:
        model["kvCache"] = {"offload": {"memory": "1Gi"}}


def small(name: str) -> Object:
    """The sample's LLMDeployment for this machine."""
    made: Object = served.simulated(samples.document(name))
    for model in made["spec"].get("models", ()):
        _small_model(model)
    planned = samples.plan(made)
    for model, found in zip(made["spec"].get("models", ()), planned.models, strict=True):
        engines = max(int(dict(group.ray_resources)["CPU"]) for group in found.groups)
        model["resources"]["memory"] = f"{2 + MEMORY_PER_ENGINE_GIB * engines}Gi"
    return made


def _metadata(name: str) -> Object:
    return {"name": name, "namespace": kube.NAMESPACE}


def _volume(claim: str) -> Iterator[Object]:
    name = f"catalogue-{claim}"
    spec = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            **spec,
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": f"{VOLUMES}/{name}", "type": "Directory"},
            "claimRef": {"kind": "PersistentVolumeClaim", **_metadata(claim)},
        },
    }
    claimed = {**spec, "volumeName": name, "resources": {"requests": {"storage": "1Gi"}}}
    yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": _metadata(claim), "spec": claimed}


def _references(node: Any) -> Iterator[tuple[str, str, str]]:
    """(kind, name, key) of everything that pods of a RayService refer to."""
    if isinstance(node, dict):
        if (ref := node.get("secretKeyRef")) is not None:
            yield "Secret", ref["name"], ref["key"]
        if (claim := node.get("persistentVolumeClaim")) is not None:
            yield "PersistentVolumeClaim", claim["claimName"], ""
        if (priority := node.get("priorityClassName")) is not None:
            yield "PriorityClass", priority, ""
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def stand_ins(documents: list[Object]) -> list[Object]:
    """Secrets, volumes with claims, and priority classes that these samples need; each once."""
    found = sorted({ref for made in documents for ref in _references(samples.rendered(made)["spec"])})
    secrets: dict[str, dict[str, str]] = {}
    objects: list[Object] = []
    for kind, name, key in found:
        if kind == "Secret" and not name.endswith("-auth-token"):
            secrets.setdefault(name, {})[key] = "stand-in"
        elif kind == "PersistentVolumeClaim":
            objects += _volume(name)
        elif kind == "PriorityClass":
            metadata = {"name": name}
            objects.append({"apiVersion": "scheduling.k8s.io/v1", "kind": kind, "metadata": metadata, "value": 0})
    objects += [
        {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(name), "stringData": data}
        for name, data in secrets.items()
    ]
    return objects


def node_labels(documents: list[Object]) -> dict[str, str]:
    """Labels that the first kind of pods of each model asks of nodes."""
    planned = (model for made in documents for model in samples.plan(made).models)
    return {key: value for model in planned for key, value in model.groups[0].node_selector}


def prepare(documents: list[Object]) -> list[Object]:
    """Makes the stand-ins and labels the nodes; what was made."""
    fake_devices.give(dict.fromkeys(fake_devices.DEVICES, PER_NODE), labels=node_labels(documents))
    made = stand_ins(documents)
    folders = [each["spec"]["hostPath"]["path"] for each in made if each["kind"] == "PersistentVolume"]
    for node in nodes.existing() if folders else ():
        docker("exec", node, "mkdir", "--parents", "--mode=777", *folders)
    if made:
        env.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
    return made


def tidy(made: list[Object]) -> None:
    """Removes them; the labels go with the devices."""
    if made:
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
        env.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait=false", input=listed)
    for node in nodes.existing():
        docker("exec", node, "rm", "-rf", VOLUMES)
