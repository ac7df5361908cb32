"""Fixtures of the API server tests: a client, a namespace of their own, and the copied CRD; gone again at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from apiserver import crd_copy
from apiserver.server import Server
from cluster import env
from e2e.kube import until
from llm_operator.kube.resources import LLMDEPLOYMENTS, Resource
from llm_operator.render.drift import differences


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The API server, which serves the CRD of this checkout."""
    made = Server()
    live = made.request("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd_copy.FILE_NAME}")
    if live.code == 404 or list(differences(crd_copy.original(), live.accepted())):
        env.kubectl("apply", "--server-side", "--force-conflicts", "-f", crd_copy.FILE)
        _until_served(made, LLMDEPLOYMENTS)
    yield made
    made.close()


@pytest.fixture(scope="session")
def namespace() -> Iterator[str]:
    """A namespace that warns of pods that PodSecurity `restricted` would refuse. A name of its own each time: the last one
    may still be on its way out."""
    name = f"apiserver-test-{uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    env.kubectl("create", "-f", "-", input=json.dumps(document))
    yield name
    env.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def copied_kind(server: Server, namespace: str) -> Iterator[None]:
    """The copied CRD is served. By client-side apply, which writes all of it into an annotation once more (at most 256 KiB)."""
    env.kubectl("delete", "crd", crd_copy.NAME, "--ignore-not-found", "--timeout=60s")
    env.kubectl("apply", "-f", "-", input=json.dumps(crd_copy.crd()))
    _until_served(server, crd_copy.COPY)
    yield
    env.kubectl("delete", "crd", crd_copy.NAME, "--timeout=60s")


@pytest.fixture
def own_name() -> str:
    """A name that no other test uses."""
    return f"x-{uuid4().hex[:8]}"


def _until_served(server: Server, resource: Resource) -> None:
    """`kubectl wait` fails while a new CRD has no conditions yet, so it is the kind itself that is asked for."""
    path = resource.path("default")
    until(f"{resource.plural} are served", lambda: server.request("GET", path).code == 200, seconds=60)
