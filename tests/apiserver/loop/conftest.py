"""Fixtures of the loop tests: an operator alone in a namespace of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apiserver.loop.operator import Operator, alone
from apiserver.server import Server


@pytest.fixture(scope="session")
def quiet(server: Server) -> Iterator[None]:
    """Nobody but the tests acts on RayServices."""
    with alone():
        yield


@pytest.fixture(scope="session")
def operator(quiet: None, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The operator of this checkout."""
    made = Operator(namespace, tmp_path_factory.mktemp("operator"))
    made.start()
    yield made
    made.stop()
