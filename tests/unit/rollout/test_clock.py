"""Times in status."""

from __future__ import annotations

import pytest
from llm_operator.rollout.clock import later, moment, until

NOW = "2026-01-02T00:00:00Z"


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z"])
def test_no_time(text: str) -> None:
    assert moment(text) is None
    assert until(NOW, text) == 0.0
    assert until(text, NOW) == 0.0


def test_later_and_until() -> None:
    assert later(NOW, 90) == "2026-01-02T00:01:30Z"
    assert later("2026-12-31T23:59:59Z", 1) == "2027-01-01T00:00:00Z"
    assert until(NOW, later(NOW, 90)) == 90.0
    assert until(later(NOW, 90), NOW) == 0.0
