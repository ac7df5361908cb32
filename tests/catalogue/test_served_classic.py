"""Ready means served, behind the OpenAI ingress: the tests of the end-to-end suite with profile Classic."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from e2e.report import Report
from e2e.test_65_served import (
    running,
    test_an_engine_is_killed,
    test_packets_get_lost,
    test_the_head_is_lost,
    test_the_service_has_no_endpoints,
)

__all__ = [
    "test_an_engine_is_killed",
    "test_packets_get_lost",
    "test_the_head_is_lost",
    "test_the_service_has_no_endpoints",
]


@pytest.fixture(scope="module")
def profile(operator: None, report: Report) -> Iterator[str]:
    yield from running("Classic", report)
