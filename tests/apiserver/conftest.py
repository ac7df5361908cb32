"""Fixtures of the API server tests: a client, a namespace of their own, and the copied CRD; gone again at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from apiserver import crd_copy
from apiserver.server import Server
from cluster import env
from llm_operator.render.drift import differences


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The API server, which serves the CRD of this checkout."""
    made = Server()
    live = made.request("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd_copy.FILE_NAME}")
    if live.code == 404 or list(differences(crd_copy.original(), live.accepted())):
        env.kubectl("apply", "--server-side", "--force-conflicts", "-f", crd_copy.FILE)
        env.kubectl("wait", "--for=condition=Established", f"crd/{crd_copy.FILE_NAME}", "--timeout=60s")
    yield made
    made.close()


@pytest.fixture(scope="session")
def namespace() -> Iterator[str]:
    """A namespace in which Ray could run: PodSecurity `restricted`. A name of its own each time: the last one may still be
    on its way out."""
    name = f"apiserver-test-{uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    env.kubectl("create", "-f", "-", input=json.dumps(document))
    env.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=60s")
    yield name
    env.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def copied_kind(server: Server, namespace: str) -> Iterator[None]:
    """The copied CRD is served."""
    env.kubectl("delete", "crd", crd_copy.NAME, "--ignore-not-found", "--timeout=60s")
    env.kubectl("create", "-f", "-", input=json.dumps(crd_copy.crd()))
    env.kubectl("wait", "--for=condition=Established", f"crd/{crd_copy.NAME}", "--timeout=60s")
    yield
    env.kubectl("delete", "crd", crd_copy.NAME, "--timeout=60s")
