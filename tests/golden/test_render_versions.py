"""A new operator renders an old object exactly as before. tests/golden/render-N holds what version N made, and is never renewed: a
difference is a restart of every RayService of that version."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from golden.case import NOW, UID, kept, kuberay_status, stored
from llm_operator.api import names
from llm_operator.plan.inputs import DEFAULT_POLICY, Scope
from llm_operator.sync import sync

FROZEN = sorted(Path(__file__).parent.glob("render-*/*.json"))
each = pytest.mark.parametrize("path", FROZEN, ids=lambda path: f"{path.parent.name}/{path.stem}")


def _frozen(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The spec, and the RayService that was made of it."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["spec"], found["rayservice"]


def _parent(spec: Any, rayservice: dict[str, Any], status: Any = None) -> dict[str, Any]:
    metadata = {"name": rayservice["metadata"]["name"], "namespace": "llm", "uid": UID, "generation": 1}
    made = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata, "spec": spec}
    return made if status is None else {**made, "status": status}


def test_every_older_version_is_kept() -> None:
    older = {path.parent.name for path in FROZEN}
    assert older == {f"render-{version}" for version in names.RENDER_VERSIONS[:-1]}


@each
def test_rendered_as_before(path: Path) -> None:
    spec, before = _frozen(path)
    policy = replace(DEFAULT_POLICY, render_version=path.parent.name.removeprefix("render-"))
    now = sync(Scope(parent=_parent(spec, before), now=NOW, policy=policy)).apply
    assert now is not None
    now["metadata"]["annotations"].pop(names.CHANGE_ANNOTATION, None)  # says what an apply began, not what is rendered
    assert json.dumps(now) == json.dumps(before)


@each
def test_nothing_is_written_to_an_object_of_the_older_version(path: Path) -> None:
    """As the operator finds it after its own upgrade: the status of the old one, all pods there."""
    spec, before = _frozen(path)
    child = stored(before, None, [])
    models = {model["name"]: "RUNNING/HEALTHY" for model in spec.get("models", ())}
    child["status"] = kuberay_status(child, {"models": models})
    status = {"observedGeneration": 1, "rayService": {"name": before["metadata"]["name"], "generation": 1}}
    scope = Scope(parent=_parent(spec, before, status), now=NOW, child=child)
    first = sync(scope)
    assert (first.apply, first.delete_child, first.patches, first.pod_deletions) == (None, False, (), ())
    assert first.status["renderVersion"] == path.parent.name.removeprefix("render-")
    after = replace(scope, parent=_parent(spec, before, first.status), others=kept(first.objects))
    second = sync(after)
    assert second.status == first.status
    assert (second.apply, second.objects, second.events) == (None, (), ())
