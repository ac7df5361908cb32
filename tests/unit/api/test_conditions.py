"""Conditions: what changes the time, what is cut."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.api.conditions import MAX_MESSAGE, Condition, ConditionType, Reason, Status, merge, truncate

OLD, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
SERVING = Condition(ConditionType.READY, Status.TRUE, Reason.SERVING, "fine")


def merged(condition: Condition, **before: Any) -> dict[str, Any]:
    (entry,) = merge([condition], [{"type": "Ready", "lastTransitionTime": OLD, **before}], generation=7, now=NOW)
    return entry


def test_time_is_kept_while_the_status_stays() -> None:
    entry = merged(SERVING, status="True", reason="Other", message="other", observedGeneration=3)
    assert entry == {
        "type": "Ready",
        "status": "True",
        "reason": "Serving",
        "message": "fine",
        "observedGeneration": 7,
        "lastTransitionTime": OLD,
    }


@pytest.mark.parametrize("before", ["False", "Unknown"])
def test_time_changes_with_the_status(before: str) -> None:
    assert merged(SERVING, status=before)["lastTransitionTime"] == NOW


def test_first_time_is_now() -> None:
    (entry,) = merge([SERVING], [], generation=1, now=NOW)
    assert entry["lastTransitionTime"] == NOW


def test_only_the_same_type_counts() -> None:
    (entry,) = merge(
        [SERVING], [{"type": "Degraded", "status": "True", "lastTransitionTime": OLD}], generation=1, now=NOW
    )
    assert entry["lastTransitionTime"] == NOW


def test_a_previous_condition_without_a_time() -> None:
    (entry,) = merge([SERVING], [{"type": "Ready", "status": "True"}], generation=1, now=NOW)
    assert entry["lastTransitionTime"] == NOW


def test_what_is_not_said_any_more_goes() -> None:
    before = [{"type": "Stalled", "status": "True", "lastTransitionTime": OLD}]
    assert [entry["type"] for entry in merge([SERVING], before, generation=1, now=NOW)] == ["Ready"]


def test_truncate_keeps_both_ends() -> None:
    text = "a" * 2000 + "the cause"
    cut = truncate(text)
    assert len(cut) <= MAX_MESSAGE
    assert cut.startswith("aaa")
    assert cut.endswith("the cause")
    assert " ... " in cut


@pytest.mark.parametrize("length", [0, MAX_MESSAGE - 1, MAX_MESSAGE])
def test_truncate_leaves_what_fits(length: int) -> None:
    assert truncate("x" * length) == "x" * length


def test_messages_are_cut_in_the_status() -> None:
    entry = merged(Condition(ConditionType.READY, Status.FALSE, Reason.DEPLOYING, "x" * 5000), status="False")
    assert len(entry["message"]) <= MAX_MESSAGE


def test_reasons_are_camel_case() -> None:
    assert all(reason.value.isalnum() and reason.value[0].isupper() for reason in Reason)
