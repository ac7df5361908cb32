"""A field that the schema does not know: an error by default, a warning or nothing when the user says so, never stored."""

import pytest
from apiserver import crd_copy
from builders import llm

UNKNOWN = llm("unknown").with_("spec.models.0.scalling", {"minReplicas": 2}).object()


@pytest.mark.parametrize("validate", ["warn", "ignore"])
def test_is_pruned_when_validation_is_off(fresh: None, validate: str) -> None:
    done = crd_copy.apply(crd_copy.copied(UNKNOWN), f"--validate={validate}")
    assert done.returncode == 0, done.stderr
    assert ('unknown field "spec.models[0].scalling"' in done.stderr) == (validate == "warn")
    assert crd_copy.read("unknown")["spec"] == llm("unknown").object()["spec"]


def test_server_side_apply_refuses_it(fresh: None) -> None:
    done = crd_copy.apply(crd_copy.copied(UNKNOWN), "--server-side")
    assert done.returncode != 0
    assert ".spec.models[0].scalling: field not declared in schema" in done.stderr or "scalling" in done.stderr
