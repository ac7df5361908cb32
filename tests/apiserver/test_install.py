"""What a user installs passes the API server's own strict checks."""

from __future__ import annotations

import json
from typing import Final

import pytest
import yaml
from chart import rendered
from cluster import env, names

DRY_RUN: Final = (
    "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--field-manager=apiserver-test",
)  # fmt: skip
MANIFESTS: Final = names.ROOT / "manifests"
CASES: Final = sorted(path.parent.name for path in (names.ROOT / "tests/chart/cases").glob("*/values.yaml"))


def _applied(printed: str) -> int:
    lines = printed.splitlines()
    assert all(line.endswith("serverside-applied (server dry run)") for line in lines), printed
    return len(lines)


@pytest.mark.parametrize("file", ["crd.yaml", "install.yaml"])
def test_manifests(file: str) -> None:
    """The namespace of install.yaml is there already; a dry run makes none."""
    documents = [
        document for document in yaml.safe_load_all((MANIFESTS / file).read_text(encoding="utf-8")) if document
    ]
    done = env.try_kubectl(*DRY_RUN, "-f", MANIFESTS / file)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "warnings: deprecated kinds, pods that PodSecurity would refuse"
    assert _applied(done.stdout) == len(documents)


@pytest.mark.parametrize("case", CASES)
def test_chart(namespace: str, case: str) -> None:
    """Every object that the chart can make, in a namespace that is there. PodMonitor is a kind of the Prometheus operator,
    which the local cluster has not."""
    values = yaml.safe_load((names.ROOT / f"tests/chart/cases/{case}/values.yaml").read_text(encoding="utf-8"))
    objects = [document for document in rendered.objects(values) if document["kind"] != "PodMonitor"]
    for document in objects:
        if "namespace" in document["metadata"]:
            document["metadata"]["namespace"] = namespace
    done = env.try_kubectl(
        *DRY_RUN, "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert _applied(done.stdout) == len(objects)


def test_a_wrong_manifest_is_refused(namespace: str) -> None:
    """Or the tests above would prove nothing."""
    document = rendered.only(rendered.objects(), "ServiceAccount")
    document["metadata"]["namespace"] = namespace
    done = env.try_kubectl(*DRY_RUN, "-f", "-", input=json.dumps({**document, "noSuchField": 1}))
    assert done.returncode != 0
    assert "noSuchField" in done.stderr
