"""Fixtures of the catalogue's tests: the operator in the local cluster, and accelerators that are none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster import fake_devices
from e2e.fixtures import (
    operator,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    report,
)

__all__ = ["operator", "pytest_configure", "pytest_runtest_makereport", "pytest_terminal_summary", "report"]


@pytest.fixture(scope="session")
def devices(operator: None) -> Iterator[None]:
    """Every node offers every kind of accelerator; taken away at the end, for the tests that count on there being none."""
    fake_devices.give()
    yield
    fake_devices.take()
