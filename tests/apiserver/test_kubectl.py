"""What a person sees: kubectl's messages, columns and short name. The other tests speak HTTP, which is a hundred times faster."""

from __future__ import annotations

import json
from typing import Final

import pytest
from apiserver import table
from apiserver.crd_copy import COPY, NAME, copied
from apiserver.server import STRICT, Server
from builders import llm
from cluster import env
from golden.case import CASES, Case
from llm_operator.kube.resources import LLMDEPLOYMENTS

_STRICT_ERROR: Final = 'Error from server (BadRequest): error when creating "STDIN": '
PRINTED: Final = (
    "min above max",
    "tensor 0",
    "name with a dot",
    "two models with one name",
    "unknown accelerator, near",
    "unknown field, near",
)
ROWS: Final = {row.name: row for row in table.rows()}


@pytest.mark.parametrize("name", PRINTED)
def test_message(server: Server, namespace: str, name: str) -> None:
    """Word for word what refused.yaml says, so that the table can be read as what users read."""
    row = ROWS[name]
    document = row.document
    document["metadata"] = {"name": document["metadata"]["name"], "namespace": namespace}
    done = env.try_kubectl("apply", "--dry-run=server", "-f", "-", input=json.dumps(document))
    assert done.returncode == 1
    (said,) = row.said
    if said.startswith("LLMDeployment in version"):
        assert done.stderr.strip() == _STRICT_ERROR + said
    else:
        assert done.stderr.startswith(f'The LLMDeployment "{document["metadata"]["name"]}" is invalid: ')
        assert said in done.stderr


COLUMNS: Final = ["NAME", "READY", "MODELS", "REPLICAS", "GPU", "URL", "REASON", "AGE"]


def test_columns(server: Server, namespace: str, copied_kind: None, own_name: str) -> None:
    live = server.create(COPY, copied(llm(own_name).object(), namespace), STRICT).accepted()
    metadata = {key: live["metadata"][key] for key in ("name", "namespace")}

    def shown(case: str, *options: str) -> list[str]:
        status = Case(CASES / case).steps[-1].outcome.status
        server.apply(COPY, {**live, "metadata": metadata, "status": status}, subresource="status").accepted()
        return env.kubectl("get", NAME, own_name, "-n", namespace, *options).splitlines()

    header, line = shown("unchanged")
    assert header.split() == COLUMNS
    url = "http://chat-serve-svc.llm.svc:8000/v1"
    assert line.split()[:-1] == [own_name, "True", "1/1", "1", "1xL4", url, "Serving"]
    header, line = shown("suspended", "-o", "wide")
    assert header.split() == [*COLUMNS[:3], "APPLICATIONS", *COLUMNS[3:-1], "MESSAGE", "AGE"]
    assert "spec.suspend is true: nothing runs" in line


def test_the_real_kind_has_the_same_columns_and_its_short_name(server: Server, namespace: str) -> None:
    """Of an empty list: an object of the real kind would wake a running operator."""
    table_type = "application/json;as=Table;g=meta.k8s.io;v=v1"
    answer = server.request("GET", LLMDEPLOYMENTS.path(namespace), accept=table_type).accepted()
    shown = [column["name"].upper() for column in answer["columnDefinitions"] if column["priority"] == 0]
    assert shown == COLUMNS
    for word in ("llmd", "llm", "llmdeployment"):
        assert env.try_kubectl("get", word, "-n", namespace).stderr == f"No resources found in {namespace} namespace.\n"
