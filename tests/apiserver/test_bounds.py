"""Every bound of every field holds at the API server, and the operator names the same field."""

from __future__ import annotations

from typing import Final

import pytest
from apiserver import bounds, table
from apiserver.bounds import Broken
from apiserver.server import DRY_RUN, STRICT, Server
from llm_operator.api.crd import spec_schema
from llm_operator.kube.resources import LLMDEPLOYMENTS

ALL: Final = bounds.broken()
each = pytest.mark.parametrize("broken", [pytest.param(broken, id=str(broken)) for broken in ALL])


@each
def test_the_api_server_refuses_it(server: Server, namespace: str, broken: Broken) -> None:
    document = broken.document
    document["metadata"] = {"name": "x", "namespace": namespace}
    said = server.create(LLMDEPLOYMENTS, document, DRY_RUN | STRICT).said
    if broken.how == "unknown":
        assert said == [
            'LLMDeployment in version "v1alpha1" cannot be handled as a LLMDeployment: strict decoding error: '
            f'unknown field "{broken.field}"'
        ]
    else:
        assert any(line.startswith(f"{broken.field}: ") for line in said), said


@each
def test_the_operator_refuses_it_too(broken: Broken) -> None:
    assert broken.field in table.operator_errors(broken.document, table.PERMISSIVE)


def test_every_field_is_covered() -> None:
    covered = {name for document, _ in bounds.starting_points() for name in bounds.kinds_of(document)}
    assert [path for path, kind in bounds.schema_kinds(spec_schema()) if kind not in covered] == []
    assert len(ALL) > 500
