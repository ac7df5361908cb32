"""Fixtures of the end-to-end tests: one deployment serves most of them. Files run in the order of their numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo.forward import port_forward
from e2e import deployment, kube
from e2e.deployment import Serving
from e2e.fixtures import (
    operator,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    report,
)
from e2e.report import Report

__all__ = ["operator", "pytest_configure", "pytest_runtest_makereport", "pytest_terminal_summary", "report"]


@pytest.fixture(scope="session")
def serving(operator: None, report: Report) -> Iterator[Serving]:
    """manifests/samples/demo.yaml, Ready, with a forwarded port."""
    seconds = deployment.apply_sample()
    report.add("apply to Ready", seconds)
    with port_forward(kube.NAMESPACE, "svc/demo-serve-svc", 8000) as url:
        yield Serving("demo", url, seconds)
