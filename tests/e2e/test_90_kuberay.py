"""KubeRay's CRD is absent when the operator starts; and a RayService that somebody deletes is made again."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import yaml
from cluster import audit, env, names
from e2e import deployment, kube
from e2e.report import Report

OPERATOR = "llm-operator-system/llm-operator"
CRD = "customresourcedefinitions.apiextensions.k8s.io"
RESTORE_SECONDS = 5.0


@pytest.fixture
def without_kuberay_crd(operator: None) -> Iterator[str]:
    """RayService's CRD is gone, and the operator has started since; the CRD's text comes as the value."""
    deployment.remove_all()
    live = kube.existing(CRD, kube.RAY_SERVICE)
    crd = {key: live[key] for key in ("apiVersion", "kind", "spec")}
    crd["metadata"] = {
        key: live["metadata"][key] for key in ("name", "annotations", "labels") if key in live["metadata"]
    }
    text = yaml.safe_dump(crd)
    env.kubectl("delete", CRD, kube.RAY_SERVICE, "--timeout=60s")
    try:
        env.kubectl("rollout", "restart", "deployment/llm-operator", "-n", names.OPERATOR_NAMESPACE)
        env.kubectl("rollout", "status", "deployment/llm-operator", "-n", names.OPERATOR_NAMESPACE, "--timeout=120s")
        yield text
    finally:
        _install(text)
        deployment.remove_all()


def _install(crd: str) -> None:
    env.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=crd)
    # `kubectl wait` fails while the new object has no conditions yet.
    kube.until(
        "RayServices are served",
        lambda: env.try_kubectl("get", kube.RAY_SERVICE, "-n", kube.NAMESPACE).returncode == 0,
        seconds=60,
    )


def _recreated(since: datetime) -> float | None:
    """Seconds from the moment at which the old RayService went to the operator's new one; None until then."""
    writes = audit.writes(since, resource="rayservices")
    made = [write for write in writes if write.user.endswith(":llm-operator") and write.code == 201]
    if not made:
        return None
    # KubeRay's removal of its finalizer is what makes the object go.
    gone = [
        write for write in writes if "kuberay" in write.user and not write.subresource and write.time <= made[0].time
    ]
    return (made[0].time - gone[-1].time).total_seconds() if gone else None


def test_the_operator_waits_for_kuberay_and_mends_a_deletion(without_kuberay_crd: str, report: Report) -> None:
    kube.apply(deployment.sample())
    ready = deployment.until_condition("demo", "Ready", "KubeRayNotInstalled", seconds=60)
    assert ready.status == "False"
    assert "KubeRay" in ready.message
    began = audit.now()
    _install(without_kuberay_crd)
    kube.until("the RayService is made", lambda: kube.get(kube.RAY_SERVICE, "demo"), seconds=90)
    report.add("KubeRay's CRD appears to RayService", (audit.now() - began).total_seconds())
    kube.until("KubeRay works on it", lambda: kube.items(kube.RAY_CLUSTER), seconds=120)

    since = audit.now()
    kube.delete(kube.RAY_SERVICE, "demo")
    seconds = kube.until("the operator makes it again", lambda: _recreated(since), seconds=180)
    report.add("RayService deleted by hand: gone to made again", seconds)
    assert seconds <= RESTORE_SECONDS
    kube.until(
        "an event says so",
        lambda: [event for event in kube.events("demo") if event["reason"] == "ChildRecreated"],
        seconds=15,
    )
