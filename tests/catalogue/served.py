"""A deployment of the catalogue while it runs: applied, waited for, reached, removed."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import openai
from cluster import names
from cluster.shell import say
from demo.follow import wait_ready
from demo.forward import port_forward
from e2e import deployment, kube
from e2e.kube import Object

READY_SECONDS: Final = 300.0
SMALL_HEAD: Final = {"resources": {"cpu": "50m", "memory": "3Gi"}}
SMALL_WORKER: Final = {"cpu": "50m", "memory": "3Gi", "sharedMemory": "256Mi"}


def simulated(document: Object) -> Object:
    """The same object for this machine: every vLLM engine simulated, the local image, small pods; shapes as they are."""
    made = copy.deepcopy(document)
    spec = made["spec"]
    spec["ray"] = {**spec.get("ray", {}), "image": names.image_ref("serve-cpu"), "head": SMALL_HEAD}
    spec["ray"].pop("version", None)
    for model in spec.get("models", ()):
        engine = {key: value for key, value in model.get("engine", {}).items() if key != "image"}
        model["engine"] = {"simulation": {}, **engine, "type": "Simulated"}
        model["resources"] = {**model.get("resources", {}), **SMALL_WORKER}
    made["metadata"]["namespace"] = kube.NAMESPACE
    return made


def model(name: str, kind: str = "L4", **fields: Any) -> Object:
    """One simulated model on pods of one (fake) accelerator."""
    return {
        "name": name,
        "source": {"uri": f"hf://org/{name}"},
        "engine": {"type": "Simulated"},
        "accelerators": [{"type": kind}],
        "resources": SMALL_WORKER,
        **fields,
    }


def slow_model(name: str, tokens: int) -> Object:
    """Two replicas of a simulated model on CPU that takes 0.4 s for a token, so that streams of `tokens` outlive what happens to them."""
    return model(
        name,
        "CPU",
        engine={"type": "Simulated", "simulation": {"timePerOutputTokenMs": 400, "outputTokens": tokens}},
        scaling={"minReplicas": 2, "maxReplicas": 2},
        health={"gracefulShutdownSeconds": 60},
        source={"uri": "file:///models/demo"},
    )


def document(name: str, *models: Object, **spec: Any) -> Object:
    """An LLMDeployment for this machine."""
    return {
        "apiVersion": "llm-operator.io/v1alpha1",
        "kind": "LLMDeployment",
        "metadata": {"name": name, "namespace": kube.NAMESPACE},
        "spec": {"models": list(models), "ray": {"image": names.image_ref("serve-cpu"), "head": SMALL_HEAD}, **spec},
    }


def active_cluster(name: str) -> str:
    """Name of the RayCluster that serves."""
    cluster: str = kube.existing(kube.RAY_SERVICE, name)["status"]["activeServiceStatus"]["rayClusterName"]
    return cluster


def head_pod(name: str) -> str:
    """The head of the RayCluster that serves."""
    (head,) = kube.items("pods", f"ray.io/cluster={active_cluster(name)},ray.io/node-type=head")
    return str(head["metadata"]["name"])


def workers(name: str) -> list[Object]:
    """Worker pods of one LLMDeployment that are not on their way out."""
    found = kube.items("pods", f"llm-operator.io/deployment={name},ray.io/node-type=worker")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def ready_workers(name: str) -> list[Object]:
    """Those of them that are Ready."""

    def ready(pod: Object) -> bool:
        return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))

    return [pod for pod in workers(name) if ready(pod)]


def through(name: str, *, seconds: float, look: Callable[[], None] | None = None) -> Object:
    """Waits until the change of the newest generation is through; status.lastChange. `look` is called at every look."""

    def probe() -> Object | None:
        if look is not None:
            look()
        live = kube.existing(kube.LLM, name)
        change: Object = live["status"].get("lastChange") or {}
        newest = change.get("generation") == live["metadata"]["generation"]
        return change if newest and change.get("finishedAt") else None

    return kube.until("the change is through", probe, seconds=seconds)


@contextmanager
def served(made: Object, *, seconds: float = READY_SECONDS) -> Iterator[float]:
    """Applied and Ready=True; the seconds that took. Removed at the end, whatever happened."""
    name, begin = made["metadata"]["name"], time.monotonic()
    kube.apply(made)
    try:
        wait_ready(name, kube.NAMESPACE, seconds=seconds, tell=say)
        yield time.monotonic() - begin
    finally:
        deployment.clear(name)


@contextmanager
def reached(name: str, *, by_head: bool = False) -> Iterator[str]:
    """URL of a forwarded port: to a pod behind the Service, or (where workers come and go) to the head's proxy."""
    target = f"pod/{head_pod(name)}" if by_head else f"svc/{name}-serve-svc"
    with port_forward(kube.NAMESPACE, target, 8000) as url:
        yield url


def client(url: str, name: str, model_name: str, *, timeout: float = 60) -> openai.OpenAI:
    """An OpenAI client for one model, at the route that its status names."""
    entries = kube.existing(kube.LLM, name)["status"]["models"]
    said: str = next(entry["url"] for entry in entries if entry["name"] == model_name)
    path = said.partition("://")[2].partition("/")[2]
    return openai.OpenAI(base_url=f"{url}/{path}", api_key="not-needed", timeout=timeout, max_retries=0)


def ask(made: openai.OpenAI, model_name: str, text: str, tokens: int = 8) -> str:
    """One chat request's answer."""
    said = made.chat.completions.create(
        model=model_name, messages=[{"role": "user", "content": text}], max_tokens=tokens
    )
    return said.choices[0].message.content or ""
