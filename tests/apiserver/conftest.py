"""Fixtures of the API server tests: the copied CRD and a namespace, gone again at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from apiserver import crd_copy
from cluster import env


@pytest.fixture(scope="session")
def api_server() -> Iterator[None]:
    """The local cluster serves the copied CRD."""
    env.guard()
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": crd_copy.NAMESPACE}}
    env.kubectl("apply", "-f", "-", input=json.dumps(namespace))
    env.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=json.dumps(crd_copy.crd()))
    env.kubectl("wait", "--for=condition=Established", f"crd/{crd_copy.PLURAL}", "--timeout=60s")
    yield
    env.kubectl("delete", "crd", crd_copy.PLURAL)
    env.kubectl("delete", "namespace", crd_copy.NAMESPACE)


@pytest.fixture
def fresh(api_server: None) -> None:
    """No object of the copied kind."""
    env.kubectl("delete", crd_copy.PLURAL, "--all", "-n", crd_copy.NAMESPACE)
