"""Installs the operator into the local cluster as a user would: its image, its chart, a wait for the rollout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cluster import engine, env, images, names
from cluster.engine import image_id
from cluster.shell import ClusterError, say, step
from cluster.source import choose

RELEASE: Final = "llm-operator"
_CHART: Final = names.ROOT / "charts" / "llm-operator"
_ROLLOUT_SECONDS: Final = 180
# A changed image under the same tag: the annotation changes the pod template, so the Deployment rolls by itself,
# and does not when nothing changed.
_IMAGE_ANNOTATION: Final = "llm-operator\\.io/image-id"


def install(values: Mapping[str, str] | None = None) -> None:
    """Build and load the operator's image if it changed, and install or upgrade the release with the chart's defaults and
    `values` (as helm's --set-string takes them).

    Pods restart only when the image or the chart changed. Raises ClusterError with the pods' state when the rollout
    does not end within _ROLLOUT_SECONDS.
    """
    env.guard()
    engine.ensure_engine()
    reference = images.build("operator", choose())
    images.load(reference)
    with step(f"helm upgrade --install {RELEASE}"):
        env.helm(
            "upgrade", "--install", RELEASE, _CHART, "-n", names.OPERATOR_NAMESPACE,
            # The CRD may have been applied by hand before.
            "--take-ownership", "--force-conflicts",
            "--set-string", f"podAnnotations.{_IMAGE_ANNOTATION}={image_id(reference)}",
            *(word for key, value in (values or {}).items() for word in ("--set-string", f"{key}={value}")),
        )  # fmt: skip
    _wait()


def change(values: Mapping[str, str]) -> None:
    """As an administrator who changes these values of the chart and nothing else, as helm's --set takes them."""
    words = (word for key, value in values.items() for word in ("--set", f"{key}={value}"))
    env.helm("upgrade", RELEASE, _CHART, "-n", names.OPERATOR_NAMESPACE, "--reuse-values", *words)
    _wait()


def _wait() -> None:
    arguments = ("-n", names.OPERATOR_NAMESPACE)
    try:
        with step("operator available"):
            env.kubectl(*arguments, "rollout", "status", f"deployment/{RELEASE}", f"--timeout={_ROLLOUT_SECONDS}s")
    except ClusterError as problem:
        say(env.kubectl(*arguments, "get", "pods", "-o", "wide", check=False))
        say(env.kubectl(*arguments, "logs", f"deployment/{RELEASE}", "--tail=20", check=False))
        raise ClusterError(f"the operator did not come up: see its pods and log above.\n{problem}") from problem
