"""KubeRay's real CRD takes every RayService that we render, strictly, and keeps all of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apiserver import crd_copy
from cluster import env
from golden.case import cases
from llm_operator.render.drift import differences

RENDERED = {
    case.name: wanted for case in cases() for step in case.steps[:1] if (wanted := step.outcome.apply) is not None
}


def _create(rendered: dict[str, Any]) -> dict[str, Any]:
    """As the API server would store it; nothing is stored. Unknown fields are errors."""
    document = json.loads(json.dumps(rendered))
    document["metadata"]["namespace"] = crd_copy.NAMESPACE
    done = env.try_kubectl("create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-",
                           input=json.dumps(document))  # fmt: skip
    assert done.returncode == 0, done.stderr
    stored: dict[str, Any] = json.loads(done.stdout)
    return stored


@pytest.mark.parametrize("name", RENDERED)
def test_accepted_and_nothing_pruned(api_server: None, name: str) -> None:
    rendered = RENDERED[name]
    stored = _create(rendered)
    assert list(differences(rendered["spec"], stored["spec"])) == []


def test_the_crd_is_strict(api_server: None) -> None:
    """Or the test above would prove nothing."""
    rendered = json.loads(json.dumps(next(iter(RENDERED.values()))))
    rendered["spec"]["rayClusterConfig"]["headGroupSpec"]["noSuchField"] = 1
    rendered["metadata"]["namespace"] = crd_copy.NAMESPACE
    done = env.try_kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", input=json.dumps(rendered))
    assert done.returncode != 0
    assert 'unknown field "spec.rayClusterConfig.headGroupSpec.noSuchField"' in done.stderr


def test_enough_is_rendered() -> None:
    assert len(RENDERED) >= 20
