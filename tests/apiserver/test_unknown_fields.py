"""A field that the schema does not know: an error by default, a warning or nothing when the user says so, never stored."""

from __future__ import annotations

import pytest
from apiserver.server import DRY_RUN, STRICT, Object, Server
from builders import LLM, llm
from llm_operator.kube.resources import LLMDEPLOYMENTS

UNKNOWN = llm("unknown").with_("spec.models.0.scalling", {"minReplicas": 2}).with_("spec.ray", {"head": {"gpu": 1}})
KNOWN = llm("unknown").with_("spec.ray", {"head": {}})
PATHS = ('"spec.models[0].scalling"', '"spec.ray.head.gpu"')


def _in(namespace: str, made: LLM) -> Object:
    return made.with_("metadata", {"name": "unknown", "namespace": namespace}).object()


def test_every_one_is_named(server: Server, namespace: str) -> None:
    (said,) = server.create(LLMDEPLOYMENTS, _in(namespace, UNKNOWN), DRY_RUN | STRICT).said
    assert all(f"unknown field {path}" in said for path in PATHS)


@pytest.mark.parametrize("validation", ["Warn", "Ignore"])
def test_pruned_when_validation_is_off(server: Server, namespace: str, validation: str) -> None:
    answer = server.create(LLMDEPLOYMENTS, _in(namespace, UNKNOWN), DRY_RUN | {"fieldValidation": validation})
    assert answer.accepted()["spec"] == KNOWN.object()["spec"]
    assert all((path.strip('"') in answer.warnings) == (validation == "Warn") for path in PATHS)


@pytest.mark.parametrize("query", [DRY_RUN | STRICT, DRY_RUN], ids=["strict", "lax"])
def test_server_side_apply_always_refuses_it(server: Server, namespace: str, query: dict[str, str]) -> None:
    answer = server.apply(LLMDEPLOYMENTS, _in(namespace, UNKNOWN), manager="anna", query=query)
    assert answer.code >= 400
    assert "scalling" in answer.said[0]
