"""The operator dies, and nobody notices."""

import re
import time

from cluster import audit, env, names
from cluster.engine import docker
from e2e import kube
from e2e.deployment import Serving
from e2e.report import Report

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
