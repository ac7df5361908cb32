"""Fixtures of the chaos test: those of the tests on the real cluster."""

from __future__ import annotations

from e2e.fixtures import (
    operator,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    report,
)

__all__ = ["operator", "pytest_configure", "pytest_runtest_makereport", "pytest_terminal_summary", "report"]
