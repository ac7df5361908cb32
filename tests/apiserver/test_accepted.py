"""What the API server takes, and that it keeps all of it: no field is pruned, none is added, none is changed."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
import yaml
from apiserver import table
from apiserver.bounds import starting_points
from apiserver.crd_copy import COPY, copied
from apiserver.server import DRY_RUN, STRICT, Object, Server
from builders import llm
from cluster import names
from golden.case import cases
from llm_operator.kube.resources import LLMDEPLOYMENTS
from unit.api.test_validation import RIGHT

SAMPLES: Final = sorted((names.ROOT / "manifests" / "samples").glob("*.yaml"))
KINDS_OF_VALUES: Final = {"a": 1, "b": 1.5, "c": "x", "d": True, "e": {"f": [1, {"g": None}]}, "h": [1]}


def _samples() -> list[tuple[str, Object]]:
    return [
        (path.name, document)
        for path in SAMPLES
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        if document["kind"] == "LLMDeployment"
    ]


def _golden() -> list[tuple[str, Object]]:
    """Each spec of the golden cases that the operator takes."""
    parents = [(case.name, case.parent(case.raw["spec"], 1, None)) for case in cases()]
    return [(name, parent) for name, parent in parents if not table.operator_errors(parent, table.PERMISSIVE)]


ACCEPTED: Final[list[tuple[str, Object]]] = [
    *((f"sample {name}", document) for name, document in _samples()),
    *((f"golden {name}", document) for name, document in _golden()),
    *((name, made.object()) for name, made in RIGHT),
    *((f"start {i}", document) for i, (document, _) in enumerate(starting_points())),
    ("16 models", llm().with_("spec.models", [llm(f"m{i}").object()["spec"]["models"][0] for i in range(16)]).object()),
    ("fractions of quantities", llm().model(resources={"cpu": "0.5", "memory": "1.5Gi"}).object()),
    ("paused and suspended", llm().with_("spec.paused", True).with_("spec.suspend", True).object()),
]


def _in(namespace: str, document: Object) -> Object:
    made = copy.deepcopy(document)
    made["metadata"] = {"name": made["metadata"]["name"], "namespace": namespace}
    made.pop("status", None)
    return made


@pytest.mark.parametrize("document", [pytest.param(document, id=name) for name, document in ACCEPTED])
def test_accepted_as_it_is(server: Server, namespace: str, document: Object) -> None:
    """No default is written into the spec: GitOps tools would see drift."""
    sent = _in(namespace, document)
    assert table.operator_errors(sent, table.PERMISSIVE) == {}
    answer = server.create(LLMDEPLOYMENTS, sent, DRY_RUN | STRICT)
    assert answer.accepted()["spec"] == sent["spec"]
    assert "status" not in answer.body
    assert answer.warnings == ""


def test_there_is_enough_to_accept() -> None:
    assert SAMPLES
    assert sum(name.startswith("golden") for name, _ in ACCEPTED) >= 50


def test_stored_as_it_is(server: Server, namespace: str, copied_kind: None) -> None:
    """Not only answered: read back from etcd. Every field at least once."""
    for i, (document, _) in enumerate(starting_points()):
        sent = copied(document, namespace)
        sent["metadata"]["name"] = f"stored-{i}"
        server.create(COPY, sent, STRICT).accepted()
        assert server.get(COPY, sent)["spec"] == sent["spec"]


def _spec(server: Server, document: Object) -> Any:
    return server.create(LLMDEPLOYMENTS, document, DRY_RUN | STRICT).accepted()["spec"]


def test_engine_arguments_keep_every_kind_of_value(server: Server, namespace: str) -> None:
    sent = _in(namespace, llm().model(engine={"args": KINDS_OF_VALUES}).object())
    assert _spec(server, sent) == sent["spec"]


def test_null_is_no_value(server: Server, namespace: str) -> None:
    """What a chart with an empty value renders: the API server drops it, so the operator need not know it."""
    empty = llm().model(scaling=None, engine={"image": None, "args": {"seed": None}}).with_("spec.ray", None).object()
    assert _spec(server, _in(namespace, empty)) == llm().model(engine={"args": {}}).object()["spec"]


def test_a_whole_number_is_stored_as_one(server: Server, namespace: str, copied_kind: None) -> None:
    """`2.0` is an integer to the API server, but not to the operator: it never sees the point."""
    sent = copied(llm("whole").model(scaling={"minReplicas": 2.0}).object(), namespace)
    server.create(COPY, sent, STRICT).accepted()
    stored = server.get(COPY, sent)["spec"]["models"][0]["scaling"]["minReplicas"]
    assert (stored, type(stored)) == (2, int)
