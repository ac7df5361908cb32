"""Scaling numbers are applied in place: the same pods, the same replicas, no failed request."""

from cluster import audit
from e2e import kube, serve_api
from e2e.deployment import FRANCE, Serving
from e2e.report import Report
from e2e.traffic import traffic

SCALING = {"minReplicas": 1, "maxReplicas": 2, "targetOngoingRequests": 16, "maxOngoingRequests": 48}
OPERATOR = "llm-operator-system/llm-operator"


def _group_bounds(serving: Serving) -> dict[str, int]:
    """Of the live RayCluster, which KubeRay itself does not update."""
    cluster = serving.rayservice()["status"]["activeServiceStatus"]["rayClusterName"]
    (group,) = kube.existing(kube.RAY_CLUSTER, cluster)["spec"]["workerGroupSpecs"]
    return {"min": group["minReplicas"], "max": group["maxReplicas"]}


def test_scaling_numbers_are_applied_in_place(serving: Serving, report: Report) -> None:
    pods, replicas = kube.pods("demo"), serve_api.replica_ids("demo", "demo")
    cluster = serving.rayservice()["status"]["activeServiceStatus"]["rayClusterName"]
    since = audit.now()
    with traffic(serving.base_url(), "demo", FRANCE["question"], FRANCE["answer"]) as seen:
        kube.until("a request before the edit", lambda: seen.answered, seconds=30)
        kube.patch(kube.LLM, "demo", {"op": "add", "path": "/spec/models/0/scaling", "value": SCALING})
        applied = kube.until(
            "Serve has the new numbers",
            lambda: serve_api.engines("demo")["demo"].config["max_ongoing_requests"] == 48,
            seconds=60,
        )
        kube.until("the live cluster may grow", lambda: _group_bounds(serving) == {"min": 1, "max": 2}, seconds=30)
        answered = seen.answered
        kube.until("requests after the edit", lambda: seen.answered >= answered + 10, seconds=30)
    assert applied
    assert seen.failures == []
    assert kube.pods("demo") == pods
    assert serve_api.replica_ids("demo", "demo") == replicas
    assert serving.rayservice()["status"]["activeServiceStatus"]["rayClusterName"] == cluster
    report.add("scaling edit: requests beside it", seen.answered, "")
    report.add("scaling edit: slowest request", seen.slowest_seconds)
    writes = audit.writes(since, user=OPERATOR)
    assert [write.resource for write in writes].count("rayservices") == 1
    report.add("scaling edit: operator's writes", len(writes), "")
