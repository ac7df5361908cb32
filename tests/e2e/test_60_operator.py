"""The operator dies, or is upgraded, and nobody notices."""

import re
import time
from datetime import datetime

from cluster import audit, env, install, names
from cluster.engine import docker
from e2e import deployment, kube
from e2e.deployment import Serving
from e2e.kube import Object
from e2e.report import Report
from llm_operator.api.names import RENDER_VERSIONS

OPERATOR = f"{names.OPERATOR_NAMESPACE}/llm-operator"
# The Lease lasts 15 s; another pod looks every 2 s.
FAILOVER_SECONDS = 40.0
_KILL = """
set -e
container=$(crictl ps --quiet --name operator --label io.kubernetes.pod.name="$1")
kill -9 "$(crictl inspect --output go-template --template '{{.info.pid}}' "$container")"
"""


def holder() -> str:
    """Pod that has the Lease; "" when it was given back."""
    lease = kube.existing("leases.coordination.k8s.io", "llm-operator", names.OPERATOR_NAMESPACE)
    return str(lease["spec"].get("holderIdentity") or "")


def metric(pod: str, name: str) -> float:
    """Sum of a metric's series, read through the API server."""
    path = f"/api/v1/namespaces/{names.OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/metrics"
    text = env.kubectl("get", "--raw", path)
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def kill(pod: str) -> None:
    """SIGKILL to the operator's process, and the pod with it: the Lease is not given back, as when a node dies."""
    node = kube.existing("pods", pod, names.OPERATOR_NAMESPACE)["spec"]["nodeName"]  # and its container's name
    docker("exec", node, "sh", "-c", _KILL, "sh", pod)
    env.kubectl("delete", "pod", pod, "-n", names.OPERATOR_NAMESPACE, "--grace-period=0", "--force", "--wait=false")


def test_a_killed_leader_is_replaced_without_a_write(serving: Serving, report: Report) -> None:
    # What the leader had not finished its successor must: an earlier test's change counts until Progressing is False.
    deployment.until_condition("demo", "Progressing", "AsExpected", seconds=60)
    leader = kube.until("there is a leader", holder, seconds=FAILOVER_SECONDS)
    generation, pods = serving.rayservice()["metadata"]["generation"], kube.pods("demo")
    assert audit.writes(user=OPERATOR), "the audit log has none of the operator's writes: this test would prove nothing"
    since, begin = audit.now(), time.monotonic()
    kill(leader)
    successor = kube.until(
        "another pod leads", lambda: ((now := holder()) not in ("", leader) and now) or None, seconds=FAILOVER_SECONDS
    )
    report.add("leader killed to new leader", time.monotonic() - begin)
    kube.until(
        "the new leader has looked at everything",
        lambda: (
            metric(successor, "llm_operator_leader") == 1 and metric(successor, "llm_operator_reconciles_total") > 0
        ),
        seconds=60,
    )
    env.kubectl("rollout", "status", "deployment/llm-operator", "-n", names.OPERATOR_NAMESPACE, "--timeout=120s")
    writes = audit.writes(since, user=OPERATOR)
    report.add("leader killed: writes", len(writes), "")
    assert writes == []
    assert serving.rayservice()["metadata"]["generation"] == generation
    assert kube.pods("demo") == pods
    assert serving.serves()


def _pinned() -> Object:
    """A deployment whose workers find no node: its head is enough here."""
    made = deployment.trouble("pinned")
    made["spec"]["models"][0]["accelerators"] = [{"type": "CPU", "nodeSelector": {"example.com/none": "true"}}]
    return made


def _ray_writes(since: datetime) -> list[audit.AuditEvent]:
    return [each for each in audit.writes(since, user=OPERATOR) if each.group == "ray.io"]


def test_an_upgrade_of_the_operator_with_a_new_rendering_costs_nothing(serving: Serving, report: Report) -> None:
    """The operator before the upgrade renders as the version before. (Against the image of an older commit: the closing note.)"""
    before, newest = RENDER_VERSIONS[-2:]
    install.install({"operator.renderVersion": before})
    try:
        kube.apply(_pinned())
        kube.until("its head runs", lambda: kube.pods("pinned"), seconds=60)
        kube.until("RayService in the status", lambda: _status("pinned").get("renderVersion") == before, seconds=30)
        pods = {name: kube.pods(name) for name in ("pinned", "demo")}
        services = {name: kube.existing(kube.RAY_SERVICE, name)["metadata"]["generation"] for name in pods}
        since, begin = audit.now(), time.monotonic()
        install.install()
        state = deployment.until_condition("pinned", "Rendered", "RenderUpgradeAvailable", seconds=60)
        report.add("upgrade of the operator: until the new one has looked", time.monotonic() - begin)
        report.add("upgrade of the operator: writes to objects of Ray", len(_ray_writes(since)), "")
        assert state.status == "True"
        assert _ray_writes(since) == []
        assert {name: kube.pods(name) for name in pods} == pods
        now = {name: kube.existing(kube.RAY_SERVICE, name)["metadata"]["generation"] for name in pods}
        assert now == services
        env.kubectl("annotate", kube.LLM, "pinned", "-n", kube.NAMESPACE, "llm-operator.io/render=Latest")
        kube.until("rendered as the newest", lambda: _status("pinned").get("renderVersion") == newest, seconds=30)
        assert [each.resource for each in _ray_writes(since)] == ["rayservices"]
        assert serving.serves()
    finally:
        install.install()
        deployment.clear("pinned")


def _status(name: str) -> Object:
    found: Object = kube.existing(kube.LLM, name).get("status", {})
    return found
