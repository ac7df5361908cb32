"""What the API server takes, and that it keeps all of it: no field is pruned, none is added."""

from typing import Any

import pytest
import yaml
from apiserver import crd_copy
from builders import llm
from cluster import names
from golden.case import Case, cases

SAMPLES = sorted((names.ROOT / "manifests" / "samples").glob("*.yaml"))
BOUNDARIES: dict[str, dict[str, Any]] = {
    "40 characters": {"metadata.name": "a" * 40},
    "16 models": {"spec.models": [llm(f"m{i}").object()["spec"]["models"][0] for i in range(16)]},
    "share of exactly 1": {"spec.models.0.engine": {"gpuMemoryUtilization": 1}},
    "min equals max": {"spec.models.0.scaling": {"minReplicas": 2, "maxReplicas": 2}},
    "target equals most": {"spec.models.0.scaling": {"targetOngoingRequests": 8, "maxOngoingRequests": 8}},
    "arguments of every kind": {
        "spec.models.0.engine": {
            "args": {"a": 1, "b": 1.5, "c": "x", "d": True, "e": {"f": [1, {"g": 2}]}, "h": [1]}
        }
    },
    "another Ray with its image": {"spec.ray": {"version": "2.59.0", "image": "example.com/ray:2.59.0"}},
    "shared memory without memory": {"spec.models.0.resources": {"sharedMemory": "1Gi"}},
    "fractions of quantities": {"spec.models.0.resources": {"cpu": "0.5", "memory": "1.5Gi"}},
}


def _stored(document: dict[str, Any]) -> dict[str, Any]:
    done = crd_copy.dry_run_object(document)
    spec: dict[str, Any] = done["spec"]
    return spec


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples(api_server: None, path: Any) -> None:
    documents = [document for document in yaml.safe_load_all(path.read_text()) if document["kind"] == "LLMDeployment"]
    assert documents
    for document in documents:
        assert _stored(document) == document["spec"]


@pytest.mark.parametrize("changes", BOUNDARIES.values(), ids=BOUNDARIES.keys())
def test_boundaries(api_server: None, changes: dict[str, Any]) -> None:
    builder = llm("x")
    for path, value in changes.items():
        builder = builder.with_(path, value)
    assert _stored(builder.object()) == builder.object()["spec"]


def _valid(case: Case) -> bool:
    accepted = next(entry for entry in case.steps[-1].outcome.status["conditions"] if entry["type"] == "Accepted")
    return bool(accepted["status"] == "True")


@pytest.mark.parametrize(
    "case", [case for case in cases() if case.name.startswith("create-")], ids=lambda case: case.name
)
def test_what_the_operator_accepts_the_api_server_accepts(api_server: None, case: Case) -> None:
    assert _valid(case)
    parent = dict(case.steps[0].scope.parent)
    assert _stored(parent) == parent["spec"]
