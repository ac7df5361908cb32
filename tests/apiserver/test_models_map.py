"""`models` is a map by name for server-side apply: two managers (people, GitOps tools) own a model each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from apiserver.crd_copy import COPY, copied
from apiserver.server import Answer, Object, Server
from builders import llm

Apply: TypeAlias = Callable[..., Answer]


def _model(name: str, **fields: Any) -> Object:
    return {"name": name, "source": {"uri": f"hf://org/{name}"}, "accelerators": [{"type": "L4"}], **fields}


def _models(answer: Answer) -> dict[str, Object]:
    return {model["name"]: model for model in answer.accepted()["spec"]["models"]}


@pytest.fixture
def apply(server: Server, namespace: str, copied_kind: None, own_name: str) -> Apply:
    """Server-side apply of models by a manager, to an object of this test's own."""

    def call(manager: str, *models: Object, force: bool = False) -> Answer:
        document = copied(llm(own_name).object(), namespace) | {"spec": {"models": list(models)}}
        return server.apply(COPY, document, manager=manager, force=force)

    return call


def test_each_manager_keeps_its_model(apply: Apply) -> None:
    apply("anna", _model("a")).accepted()
    assert set(_models(apply("ben", _model("b")))) == {"a", "b"}
    assert set(_models(apply("anna", _model("c")))) == {"b", "c"}, (
        "what a manager no longer applies goes, the rest stays"
    )


def test_managers_share_a_model_by_field(apply: Apply) -> None:
    apply("anna", _model("a")).accepted()
    shared = apply("scaler", {"name": "a", "scaling": {"minReplicas": 2}})
    assert _models(shared)["a"] == _model("a", scaling={"minReplicas": 2})


def test_a_conflict_names_the_owner_and_the_field(apply: Apply) -> None:
    apply("anna", _model("a", scaling={"minReplicas": 1})).accepted()
    refused = apply("ben", {"name": "a", "scaling": {"minReplicas": 2}})
    assert refused.code == 409
    assert 'conflict with "anna"' in refused.said[0]
    assert '.spec.models[name="a"].scaling.minReplicas' in refused.said[0]
    forced = apply("ben", {"name": "a", "scaling": {"minReplicas": 2}}, force=True)
    assert _models(forced)["a"]["scaling"] == {"minReplicas": 2}
