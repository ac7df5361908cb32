"""Names of the nodes."""

from __future__ import annotations

from cluster.nodes import wanted


def test_kinds_own_names() -> None:
    assert wanted(1) == ["llm-operator-control-plane"]
    assert wanted(3) == ["llm-operator-control-plane", "llm-operator-worker", "llm-operator-worker2"]
