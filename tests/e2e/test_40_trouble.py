"""Mistakes that only the cluster can find: the condition says which, and the deployment beside it goes on serving."""

from collections.abc import Iterator

import pytest
from e2e import deployment, kube
from e2e.deployment import Serving
from e2e.report import Report

NO_IMAGE = "llm-operator/no-such-image:1"


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


def test_the_running_one_is_not_touched(serving: Serving, troubled: None) -> None:
    assert deployment.state("demo").reason == "Serving"
    assert serving.serves()
