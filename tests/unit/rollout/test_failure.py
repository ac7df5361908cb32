"""When a change has failed, and when to look for that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llm_operator.api.conditions import Reason
from llm_operator.api.spec.rollout import Rollout
from llm_operator.plan.inputs import Scope
from llm_operator.rollout.clock import later, moment, until
from llm_operator.rollout.failure import deadline_in, failure, under_way
from llm_operator.status.change_record import stamped
from llm_operator.status.observed import observe

START = "2026-01-01T00:00:00Z"
ROLLOUT = Rollout.model_validate({"progressDeadlineSeconds": 60})
CHANGE = {
    "generation": 2, "class": "NewCluster", "message": "m", "strategy": "BlueGreen", "extraPods": 0, "extraAccelerators": "0",
    "startedAt": START,
}  # fmt: skip
LIVE = replace(observe(None), exists=True, active_cluster="a")


def scope(now: str, change: dict[str, Any] | None, child: dict[str, Any] | None = None) -> Scope:
    status = {} if change is None else {"lastChange": change}
    return Scope(parent={"metadata": {"generation": 2}, "status": status}, now=now, child=child)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(59, None), (60, Reason.PROGRESS_DEADLINE_EXCEEDED), (61, Reason.PROGRESS_DEADLINE_EXCEEDED)],
)
def test_deadline(seconds: int, reason: Reason | None) -> None:
    found = failure(scope(later(START, seconds), CHANGE), LIVE, ROLLOUT, ())
    assert (found.reason if found else None) is reason
    if found:
        assert "does not serve after 60 s" in found.message
    left = deadline_in(CHANGE, later(START, seconds), ROLLOUT)
    assert left == (float(60 - seconds) if seconds < 60 else None)


def test_nothing_is_under_way() -> None:
    late = later(START, 999)
    for change in (None, {**CHANGE, "finishedAt": START}, {**CHANGE, "startedAt": "soon"}, {**CHANGE, "startedAt": ""}):
        assert under_way(scope(late, change)) == {}
        assert failure(scope(late, change), LIVE, ROLLOUT, ("m",)) is None
    assert deadline_in({**CHANGE, "finishedAt": START}, START, ROLLOUT) is None
    assert failure(scope(late, CHANGE), observe(None), ROLLOUT, ()) is None, "there is nothing that could serve"


def test_given_up_at_once() -> None:
    found = failure(scope(START, CHANGE), LIVE, ROLLOUT, ("b", "a"))
    assert found is not None
    assert (found.reason, '"b", "a"' in found.message) == (Reason.DEPLOY_FAILED, True)
    refused = replace(LIVE, ready_reason="ValidationFailed", ready_message="no such field")
    found = failure(scope(START, CHANGE), refused, ROLLOUT, ())
    assert found is not None
    assert (found.reason, "no such field" in found.message) == (Reason.KUBERAY_REJECTED, True)


def test_a_change_that_only_the_rayservice_remembers() -> None:
    entry = {**CHANGE, "startedAt": later(START, 5), "alone": True, "created": False}
    child = stamped({"metadata": {"name": "chat"}}, entry)
    assert under_way(scope(START, {**CHANGE, "finishedAt": START}, child))["startedAt"] == later(START, 5)
    newer = {**CHANGE, "startedAt": later(START, 9)}
    assert under_way(scope(START, newer, child)) == newer


def test_clock() -> None:
    assert later(START, 61) == "2026-01-01T00:01:01Z"
    assert (until(START, later(START, 5)), until(later(START, 5), START), until(START, "")) == (5.0, 0.0, 0.0)
    assert (moment(""), moment("soon")) == (None, None)
