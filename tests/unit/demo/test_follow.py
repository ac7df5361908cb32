"""How the demo and the tests on a cluster wait for Ready."""

from __future__ import annotations

from typing import Any

import pytest
from cluster.shell import ClusterError
from demo import follow


def _body(ready: str, *, accepted: str = "True", generation: int = 2) -> dict[str, Any]:
    """An LLMDeployment of generation 2."""
    entries = [
        {"type": "Ready", "status": ready, "reason": "R", "message": "", "observedGeneration": generation},
        {"type": "Accepted", "status": accepted, "reason": "A", "message": "no", "observedGeneration": generation},
    ]
    return {"metadata": {"generation": 2}, "status": {"conditions": entries}}


def _wait(monkeypatch: pytest.MonkeyPatch, *looks: dict[str, Any] | Exception | None, seconds: float = 60) -> list[str]:
    """What is told until Ready."""
    left, told = iter(looks), list[str]()

    def look(*_: str) -> dict[str, Any] | None:
        seen = next(left)
        if isinstance(seen, Exception):
            raise seen
        return seen

    monkeypatch.setattr(follow, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(follow, "deployment", look)
    follow.wait_ready("demo", "here", seconds=seconds, tell=told.append)
    return told


def test_every_change_is_told_once_and_an_old_answer_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    old = _body("True", generation=1)
    told = _wait(monkeypatch, None, None, old, _body("False"), _body("False"), _body("True"))
    assert told == ["Ready: the operator has not reported yet", "Ready=True R", "Ready=False R", "Ready=True R"]


def test_a_look_that_fails_is_told_and_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _wait(monkeypatch, _body("False"), ClusterError("connection refused"), _body("True"))
    assert told == ["Ready=False R", "Ready: connection refused", "Ready=True R"]


def test_a_look_that_always_fails_is_said_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match="not Ready after -1 s: Ready: connection refused"):
        _wait(monkeypatch, ClusterError("connection refused"), seconds=-1)


def test_a_refused_spec_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match="demo is not accepted: no"):
        _wait(monkeypatch, _body("False", accepted="False"))
