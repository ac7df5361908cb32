"""A RayService that somebody edits is put back, and an event says what was changed."""

from cluster import audit
from e2e import kube
from e2e.deployment import Serving
from e2e.report import Report

OPERATOR = "llm-operator-system/llm-operator"
RESTORE_SECONDS = 5.0


def test_a_hand_edited_rayservice_is_restored(serving: Serving, report: Report) -> None:
    pods, wanted = kube.pods("demo"), serving.rayservice()["spec"]["rayClusterDeletionDelaySeconds"]
    since = audit.now()
    kube.patch(
        kube.RAY_SERVICE,
        "demo",
        {"op": "replace", "path": "/spec/rayClusterDeletionDelaySeconds", "value": wanted + 1},
        {"op": "remove", "path": "/metadata/labels/llm-operator.io~1deployment"},
    )
    kube.until(
        "the operator has written the RayService",
        lambda: audit.writes(since, user=OPERATOR, resource="rayservices"),
        seconds=30,
    )
    edit = next(write for write in audit.writes(since, resource="rayservices") if write.user == "kubernetes-admin")
    mended = audit.writes(since, user=OPERATOR, resource="rayservices")
    seconds = (mended[0].time - edit.time).total_seconds()
    report.add("RayService edited by hand to restored", seconds)
    assert seconds <= RESTORE_SECONDS
    live = serving.rayservice()
    assert live["spec"]["rayClusterDeletionDelaySeconds"] == wanted
    assert live["metadata"]["labels"]["llm-operator.io/deployment"] == "demo"
    event = kube.until(
        "an event says so",
        lambda: next((event for event in kube.events("demo") if event["reason"] == "DriftCorrected"), None),
        seconds=15,
    )
    assert "spec.rayClusterDeletionDelaySeconds" in event["note"]
    assert kube.pods("demo") == pods
    assert serving.serves()
