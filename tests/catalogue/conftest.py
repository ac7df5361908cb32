"""Fixtures of the catalogue's tests: the operator in the local cluster, and accelerators that are none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from catalogue import selection
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """SAMPLES=subset leaves out parts, too (selection.py)."""
    prefixes = tuple(f"tests/catalogue/{name}" for name in selection.left_out())
    left = [item for item in items if item.nodeid.startswith(prefixes)] if prefixes else []
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
