"""Runs helm on the chart, and finds objects in what it prints. Needs no cluster."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml
from cluster import names

Manifest: TypeAlias = dict[str, Any]

CHART: Final = names.ROOT / "charts/llm-operator"
KUBE_VERSION: Final = names.KUBERNETES_VERSION


def helm_binary() -> Path:
    """$HELM, else the pinned helm of the local tools. Raises FileNotFoundError: these tests are never skipped."""
    path = Path(os.environ.get("HELM") or names.binary("helm"))
    if not path.exists():
        raise FileNotFoundError(f"{path}: no helm. Run `make test-chart`, which makes it, or set HELM to a helm 4.")
    return path


def helm(*args: str | Path, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """`helm ARGS -f VALUES`; does not raise when helm fails."""
    command = [helm_binary(), *args, *(("-f", "-") if values is not None else ())]
    given = yaml.safe_dump(dict(values)) if values is not None else None
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def text(values: Mapping[str, Any] | None = None, *, release: str = "llm-operator") -> str:
    """What `helm template` prints into the operator's namespace. Raises AssertionError with helm's message."""
    command = ("template", release, CHART, "--namespace", names.OPERATOR_NAMESPACE, "--kube-version", KUBE_VERSION)
    done = helm(*command, values=values or {})
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(values: Mapping[str, Any] | None = None, *, release: str = "llm-operator") -> list[Manifest]:
    """The rendered objects."""
    return [document for document in yaml.safe_load_all(text(values, release=release)) if document]


def refusal(values: Mapping[str, Any]) -> str:
    """Helm's message about values that it must not accept."""
    done = helm("template", "llm-operator", CHART, values=values)
    assert done.returncode != 0, f"helm accepts {values}"
    return done.stderr


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Those of a kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def only(manifests: list[Manifest], kind: str) -> Manifest:
    """The one object of a kind."""
    (found,) = of_kind(manifests, kind)
    return found


def container(manifests: list[Manifest]) -> Manifest:
    """The operator's container."""
    (found,) = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found
