"""What a person would look at first when a test has failed, as one text."""

from __future__ import annotations

from typing import Final

from cluster import env, names
from e2e import kube

_LOG_LINES: Final = 40
_LOOKS: Final = (
    ("LLMDeployments", ("get", kube.LLM, "-n", kube.NAMESPACE, "-o", "yaml")),
    ("Ray", ("get", f"{kube.RAY_SERVICE},{kube.RAY_CLUSTER},pods", "-n", kube.NAMESPACE, "-o", "wide")),
    ("RayService status", ("get", kube.RAY_SERVICE, "-n", kube.NAMESPACE, "-o", "jsonpath={.items[*].status}")),
    ("Events", ("get", "events", "-n", kube.NAMESPACE, "--sort-by=.lastTimestamp")),
    ("Operator pods", ("get", "pods", "-n", names.OPERATOR_NAMESPACE, "-o", "wide")),
    ("Operator log", ("logs", "-n", names.OPERATOR_NAMESPACE, "-l", "app.kubernetes.io/name=llm-operator", "--prefix",
                      f"--tail={_LOG_LINES}")),
    ("KubeRay log", ("logs", "-n", names.KUBERAY_NAMESPACE, "deploy/kuberay-operator", f"--tail={_LOG_LINES // 2}")),
)  # fmt: skip


def diagnosis() -> str:
    """Never raises: a look that fails says so."""
    parts = []
    for title, arguments in _LOOKS:
        done = env.try_kubectl(*arguments)
        parts.append(f"== {title}: kubectl {' '.join(arguments)}\n{(done.stdout or done.stderr).strip()[-8000:]}")
    return "\n".join(parts)
