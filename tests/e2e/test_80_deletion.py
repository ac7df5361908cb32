"""The end: what was made goes, and nothing of ours was ever on the user's object."""

from cluster import audit
from e2e import deployment, kube
from e2e.deployment import Serving
from e2e.report import Report

OPERATOR = "llm-operator-system/llm-operator"
OTHERS_ANNOTATIONS = {"kubectl.kubernetes.io/last-applied-configuration"}


def test_the_operator_wrote_nothing_but_the_status(serving: Serving) -> None:
    metadata = kube.existing(kube.LLM, "demo")["metadata"]
    assert "finalizers" not in metadata
    assert metadata.get("annotations", {}).keys() <= OTHERS_ANNOTATIONS
    written = audit.writes(user=OPERATOR, resource="llmdeployments")
    assert written
    assert {write.subresource for write in written} == {"status"}


def test_everything_goes_with_the_deployment(serving: Serving, report: Report) -> None:
    assert kube.children("demo")
    report.add("deleted to all gone", deployment.remove("demo"))
    assert kube.children("") == []
