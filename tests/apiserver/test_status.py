"""The status belongs to the operator: a subresource of its own, server-side applied by one field manager."""

from __future__ import annotations

import json
from subprocess import CompletedProcess
from typing import Any

import pytest
from apiserver import crd_copy
from builders import llm
from cluster import env
from golden.case import Case, cases
from llm_operator.api import names
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync

NOW = "2026-01-01T00:00:00Z"


def apply_status(name: str, status: dict[str, Any]) -> CompletedProcess[str]:
    """As the operator does: PATCH of /status by server-side apply with force."""
    body = {
        "apiVersion": f"{crd_copy.GROUP}/v1alpha1",
        "kind": names.KIND,
        "metadata": {"name": name, "namespace": crd_copy.NAMESPACE},
        "status": status,
    }
    return crd_copy.apply(
        body, "--server-side", "--subresource=status", f"--field-manager={names.FIELD_MANAGER}", "--force-conflicts"
    )


@pytest.fixture
def applied(fresh: None) -> str:
    """A user has applied the smallest object."""
    done = crd_copy.apply(crd_copy.copied(llm("x").object()))
    assert done.returncode == 0, done.stderr
    return "x"


def first_status() -> dict[str, Any]:
    """What the operator says about the smallest object at first sight."""
    return sync(Scope(parent=llm("x").object(), now=NOW)).status


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_status_fits_the_schema(api_server: None, case: Case) -> None:
    """All statuses of the golden cases, on a stand-in: the API server must take and keep each of them."""
    created = crd_copy.apply(crd_copy.copied(llm("stand-in").object()))
    assert created.returncode == 0, created.stderr
    for step in case.steps:
        done = apply_status("stand-in", step.outcome.status)
        assert done.returncode == 0, done.stderr
        assert crd_copy.read("stand-in")["status"] == json.loads(json.dumps(step.outcome.status))


def test_one_manager_owns_the_status_and_nothing_else(applied: str) -> None:
    assert apply_status(applied, first_status()).returncode == 0
    fields = {entry["manager"]: entry for entry in crd_copy.read(applied)["metadata"]["managedFields"]}
    operator = fields[names.FIELD_MANAGER]
    assert operator["operation"] == "Apply"
    assert operator["subresource"] == "status"
    assert operator["fieldsV1"].keys() == {"f:status"}
    assert "f:status" not in fields["kubectl-client-side-apply"]["fieldsV1"]


def test_a_user_cannot_write_the_status(applied: str) -> None:
    document = crd_copy.copied(llm("x").object()) | {"status": {"url": "http://elsewhere"}}
    done = crd_copy.apply(document)
    assert done.returncode == 0, done.stderr
    assert "status" not in crd_copy.read(applied)


def test_the_operator_cannot_write_the_spec_through_the_status(applied: str) -> None:
    before = crd_copy.read(applied)["spec"]
    patch = json.dumps({"spec": {"paused": True}, "status": {"modelsReady": "0/1"}})
    env.kubectl("patch", crd_copy.PLURAL, applied, "-n", crd_copy.NAMESPACE, "--subresource=status", "--type=merge",
                "-p", patch)  # fmt: skip
    live = crd_copy.read(applied)
    assert live["spec"] == before
    assert live["metadata"]["generation"] == 1
    assert live["status"]["modelsReady"] == "0/1"


def test_an_unknown_reason_is_refused(applied: str) -> None:
    status = first_status()
    status["conditions"][0]["reason"] = "Whatever"
    done = apply_status(applied, status)
    assert done.returncode != 0
    assert 'Unsupported value: "Whatever"' in done.stderr


def test_an_edit_keeps_the_status(applied: str) -> None:
    assert apply_status(applied, first_status()).returncode == 0
    done = crd_copy.apply(crd_copy.copied(llm("x").with_("spec.paused", True).object()))
    assert done.returncode == 0, done.stderr
    live = crd_copy.read(applied)
    assert live["metadata"]["generation"] == 2
    assert live["status"] == json.loads(json.dumps(first_status()))


def test_columns(applied: str) -> None:
    assert apply_status(applied, first_status()).returncode == 0
    header, line = env.kubectl("get", crd_copy.PLURAL, applied, "-n", crd_copy.NAMESPACE).splitlines()
    assert header.split() == ["NAME", "READY", "MODELS", "REPLICAS", "GPU", "URL", "REASON", "AGE"]
    assert line.split()[:-1] == ["x", "False", "0/1", "1", "1xL4", "http://x-serve-svc.llm.svc:8000/v1", "Creating"]
    wide = env.kubectl("get", crd_copy.PLURAL, applied, "-n", crd_copy.NAMESPACE, "-o", "wide").splitlines()[0]
    assert "MESSAGE" in wide.split()
