"""Mistakes that only the cluster can find: the condition says which, and the deployment beside it goes on serving."""

import json
from collections.abc import Iterator

import pytest
from cluster import env
from demo.follow import State, condition
from e2e import deployment, kube
from e2e.deployment import Serving
from e2e.report import Report

NO_IMAGE = "llm-operator/no-such-image:1"
SMALL_TEAM = "llm-small-team"


@pytest.fixture(scope="module")
def troubled(serving: Serving) -> Iterator[None]:
    """Both at once: each takes a while to show, and to go (test_80 looks whether they went)."""
    secret = deployment.trouble(
        "no-secret", source={"uri": "hf://org/private", "tokenSecretRef": {"name": "absent", "key": "token"}}
    )
    image = deployment.trouble("no-image")
    image["spec"]["ray"]["image"] = NO_IMAGE
    kube.apply(secret)
    kube.apply(image)
    yield
    kube.delete(kube.LLM, "no-secret")
    kube.delete(kube.LLM, "no-image")


def test_image_that_does_not_exist(serving: Serving, troubled: None, report: Report) -> None:
    ready = deployment.until_condition("no-image", "Ready", "ImagePullFailed", seconds=90)
    assert ready.status == "False"
    assert NO_IMAGE in ready.message
    assert "spec.ray.image" in ready.message


def test_missing_secret(serving: Serving, troubled: None) -> None:
    ready = deployment.until_condition("no-secret", "Ready", "SecretKeyMissing", seconds=90)
    assert ready.status == "False"
    assert 'secret "absent" not found' in ready.message
    assert "source.tokenSecretRef" in ready.message


def test_no_node_has_the_gpu(serving: Serving) -> None:
    document = deployment.trouble("no-gpu", accelerators=[{"type": "L4"}])
    kube.apply(document)
    try:
        ready = deployment.until_condition("no-gpu", "Ready", "Unschedulable", seconds=60)
    finally:
        kube.delete(kube.LLM, "no-gpu")
    # On a busy node the scheduler names the CPU too.
    assert "asks for 1 nvidia.com/gpu" in ready.message
    assert "no node has that much, even when empty" in ready.message
    assert "spec.models[0].accelerators" in ready.message


@pytest.fixture
def small_team() -> Iterator[None]:
    """A namespace in which no Ray head fits into the quota."""
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SMALL_TEAM}})
    quota = {"metadata": {"name": "team", "namespace": SMALL_TEAM}, "spec": {"hard": {"requests.memory": "1Gi"}}}
    kube.apply({"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    yield
    kube.delete(kube.LLM, "over-quota", SMALL_TEAM)
    env.kubectl("delete", "namespace", SMALL_TEAM, "--wait=false")


def test_quota(serving: Serving, small_team: None) -> None:
    document = deployment.trouble("over-quota")
    document["metadata"]["namespace"] = SMALL_TEAM
    kube.apply(document)

    def probe() -> State | None:
        now = condition(kube.get(kube.LLM, "over-quota", SMALL_TEAM), "Ready")
        return now if now.reason == "QuotaExceeded" else None

    ready = kube.until("the quota is said", probe, seconds=60)
    assert ready.status == "False"
    assert 'ResourceQuota "team"' in ready.message
    assert "requests.memory=1Gi" in ready.message


def test_no_status_ticks(serving: Serving, troubled: None) -> None:
    """While nothing gets better the messages stay: the kubelet and KubeRay try again all the time."""
    before = {name: _conditions(name) for name in ("no-image", "no-secret")}
    tries = _failures("no-image")
    kube.until("the image is pulled again, in vain", lambda: _failures("no-image") > tries, seconds=90)
    assert {name: _conditions(name) for name in before} == before


def _conditions(name: str) -> str:
    return json.dumps(kube.existing(kube.LLM, name)["status"]["conditions"])


def _failures(name: str) -> int:
    """How often the kubelet said that it could not pull an image of a deployment's pods."""
    found = json.loads(env.kubectl("get", "events", "-n", kube.NAMESPACE, "-o", "json"))["items"]
    said = [
        each for each in found if each["involvedObject"]["name"].startswith(name) and "image" in each.get("message", "")
    ]
    return sum(int(each.get("count") or 1) for each in said)


def test_the_running_one_is_not_touched(serving: Serving, troubled: None) -> None:
    assert deployment.state("demo").reason == "Serving"
    assert serving.serves()
