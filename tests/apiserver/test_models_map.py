"""`models` is a map by name for server-side apply: two managers (people, GitOps tools) own a model each."""

import json
from typing import Any

from apiserver import crd_copy
from builders import llm
from cluster import env


def _apply(manager: str, *models: dict[str, Any], force: bool = False) -> str:
    document = crd_copy.copied(llm("shared").object()) | {"spec": {"models": list(models)}}
    options = ["--server-side", f"--field-manager={manager}", *(["--force-conflicts"] if force else [])]
    done = crd_copy.apply(document, *options)
    return "" if done.returncode == 0 else done.stderr


def _model(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "source": {"uri": f"hf://org/{name}"}, "accelerators": [{"type": "L4"}], **fields}


def _live() -> dict[str, dict[str, Any]]:
    return {model["name"]: model for model in crd_copy.read("shared")["spec"]["models"]}


def test_each_manager_keeps_its_model(fresh: None) -> None:
    assert _apply("anna", _model("a")) == ""
    assert _apply("ben", _model("b")) == ""
    assert set(_live()) == {"a", "b"}
    assert _apply("anna", _model("c")) == ""
    assert set(_live()) == {"b", "c"}, "what a manager no longer applies goes, what others own stays"


def test_managers_share_a_model_by_field(fresh: None) -> None:
    assert _apply("anna", _model("a")) == ""
    assert _apply("scaler", {"name": "a", "scaling": {"minReplicas": 2}}) == ""
    assert _live()["a"] == _model("a", scaling={"minReplicas": 2})


def test_a_conflict_names_the_owner_and_the_field(fresh: None) -> None:
    assert _apply("anna", _model("a", scaling={"minReplicas": 1})) == ""
    said = _apply("ben", {"name": "a", "scaling": {"minReplicas": 2}})
    assert 'conflict with "anna"' in said
    assert '.spec.models[name="a"].scaling.minReplicas' in said
    assert _apply("ben", {"name": "a", "scaling": {"minReplicas": 2}}, force=True) == ""
    assert _live()["a"]["scaling"] == {"minReplicas": 2}


def test_a_json_patch_appends(fresh: None) -> None:
    assert _apply("anna", _model("a")) == ""
    patch = json.dumps([{"op": "add", "path": "/spec/models/-", "value": _model("b")}])
    env.kubectl("patch", crd_copy.PLURAL, "shared", "-n", crd_copy.NAMESPACE, "--type=json", "-p", patch)
    assert list(_live()) == ["a", "b"]
