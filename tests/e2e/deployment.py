"""An LLMDeployment under test, and the model's questions with their answers."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass
from typing import Any, Final

import openai
import yaml
from cluster import env, names
from cluster.shell import say
from demo.follow import State, condition, wait_ready
from e2e import kube
from e2e.kube import Object

SAMPLE: Final = names.ROOT / "manifests" / "samples" / "demo.yaml"
TWO_MODELS: Final = SAMPLE.with_name("two-models.yaml")
QUESTIONS: Final[list[dict[str, str]]] = json.loads(
    (names.ROOT / "images" / "serve-cpu" / "model" / "questions.json").read_text()
)
FRANCE: Final = QUESTIONS[0]
READY_SECONDS: Final = 300.0
GONE_SECONDS: Final = 180.0


def sample() -> Object:
    """manifests/samples/demo.yaml, a fresh copy."""
    document: Object = yaml.safe_load(SAMPLE.read_text())
    return document


def two_models() -> Object:
    """manifests/samples/two-models.yaml: the demo with a second model."""
    document: Object = yaml.safe_load(TWO_MODELS.read_text())
    return document


def trouble(name: str, **model_fields: Any) -> Object:
    """A tiny deployment that asks for next to nothing: made to fail beside the running one."""
    document = copy.deepcopy(sample())
    document["metadata"]["name"] = name
    model = document["spec"]["models"][0]
    model |= {"name": name, "aliases": [], "resources": {"cpu": "10m", "memory": "1Gi", "sharedMemory": "64Mi"}}
    model |= model_fields
    document["spec"]["ray"]["head"]["resources"] = {"cpu": "10m", "memory": "2Gi"}
    return document


def remove(name: str) -> float:
    """Delete an LLMDeployment and wait until nothing of it is left; the seconds that it took."""
    begin = time.monotonic()
    kube.delete(kube.LLM, name)
    kube.until(
        f"{name} and its children are gone",
        lambda: kube.get(kube.LLM, name) is None and not kube.children(name),
        seconds=GONE_SECONDS,
    )
    return time.monotonic() - begin


def end_pods(name: str) -> None:
    """Ends the pods of one LLMDeployment that are being deleted. By themselves the workers of a Ray cluster that goes as a whole take
    another minute or two, since nobody is left to tell them that they have no request."""
    found = kube.items("pods", f"llm-operator.io/deployment={name}")
    going = [pod["metadata"]["name"] for pod in found if "deletionTimestamp" in pod["metadata"]]
    if going:
        # Some may have gone meanwhile.
        env.try_kubectl("delete", "pods", "-n", kube.NAMESPACE, *going, "--force", "--grace-period=0", "--wait=false")


def clear(name: str) -> None:
    """As `remove`, where the end itself is not what is tested: pods get no time for it."""
    kube.delete(kube.LLM, name)

    def gone() -> bool:
        end_pods(name)
        return kube.get(kube.LLM, name) is None and not kube.children(name)

    kube.until(f"{name} and its children are gone", gone, seconds=GONE_SECONDS)


def remove_all() -> None:
    """An empty namespace to start from."""
    for document in kube.items(kube.LLM):
        clear(document["metadata"]["name"])


def state(name: str, kind: str = "Ready") -> State:
    """A condition as it is now."""
    return condition(kube.get(kube.LLM, name), kind)


def until_condition(name: str, kind: str, reason: str, *, seconds: float) -> State:
    """Waits for a reason that was given for the newest spec; fails with the last state."""

    def probe() -> State | None:
        now = state(name, kind)
        return now if now.current and now.reason == reason else None

    try:
        return kube.until(f"{name}: {kind} with reason {reason}", probe, seconds=seconds)
    except Exception:
        say(f"{name}: {state(name, kind)}")
        raise


@dataclass(slots=True)
class Serving:
    """The demo deployment while it serves."""

    name: str
    url: str
    """Of a forwarded port to the Serve service, without path."""
    ready_seconds: float

    def client(self, model: str = "demo") -> openai.OpenAI:
        """An OpenAI client for one model; the second model has a route of its own."""
        return openai.OpenAI(base_url=self.base_url(model), api_key="not-needed", timeout=60, max_retries=0)

    def base_url(self, model: str = "demo") -> str:
        """From the status, with the forwarded port in place of the Service."""
        entries = kube.existing(kube.LLM, self.name)["status"]["models"]
        url: str = next(entry["url"] for entry in entries if entry["name"] == model)
        return self.url + "/" + url.partition("://")[2].partition("/")[2]

    def answer(self, question: str, model: str = "demo") -> str:
        """One chat request at temperature 0."""
        said = self.client(model).chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], temperature=0, max_tokens=32
        )
        return said.choices[0].message.content or ""

    def serves(self, model: str = "demo") -> bool:
        """It answers, and rightly."""
        return self.answer(FRANCE["question"], model) == FRANCE["answer"]

    def rayservice(self) -> Object:
        """The child."""
        return kube.existing(kube.RAY_SERVICE, self.name)

    def wait_ready(self, seconds: float = READY_SECONDS) -> float:
        """Seconds until Ready=True for the newest spec."""
        return wait_ready(self.name, kube.NAMESPACE, seconds=seconds, tell=say)


def apply_sample() -> float:
    """Apply the sample and wait for Ready=True; the seconds from the apply."""
    begin = time.monotonic()
    env.kubectl("apply", "-f", SAMPLE)
    wait_ready("demo", kube.NAMESPACE, seconds=READY_SECONDS, tell=say)
    return time.monotonic() - begin
