"""Since when KubeRay has not looked: what is remembered, and what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llm_operator.plan.inputs import Scope
from llm_operator.status.diagnosis import diagnose, look_again
from llm_operator.status.diagnosis.kuberay import SILENT_SECONDS
from llm_operator.status.observed import observe

EARLY, LATE, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z", "2026-01-01T00:03:00Z"
CHILD = {
    "metadata": {"generation": 3, "creationTimestamp": "2025-12-31T00:00:00Z"},
    "status": {"observedGeneration": 2},
}
PROGRESSING = {"type": "Progressing", "status": "True", "lastTransitionTime": EARLY}
ASLEEP = {"type": "Ready", "status": "True", "lastTransitionTime": LATE}


def waits(child: Any = CHILD, applied: bool = False, **status: Any) -> float | None:
    """Seconds until it is said."""
    seen = {"rayService": {"generation": 3}, "conditions": [ASLEEP, PROGRESSING], **status}
    parent = {"metadata": {"name": "m", "namespace": "llm", "generation": 1}, "spec": {}, "status": seen}
    return look_again(Scope(parent=parent, now=NOW, child=child, applied=applied), observe(child))


@pytest.mark.parametrize(
    ("given", "since"),
    [
        ({}, EARLY),
        # The latest counts: a change that started later, or a RayService that was made later.
        ({"lastChange": {"startedAt": LATE}}, LATE),
        ({"lastChange": {"startedAt": LATE, "finishedAt": LATE}}, EARLY),
        ({"lastChange": {"startedAt": LATE}, "conditions": []}, LATE),
        ({"child": {**CHILD, "metadata": {"generation": 3, "creationTimestamp": LATE}}}, LATE),
        # Nothing to wait for.
        ({"conditions": [ASLEEP]}, None),
        ({"conditions": [{**PROGRESSING, "status": "False"}]}, None),
        ({"rayService": {"generation": 2}}, None),
        ({"rayService": None}, None),
        ({"child": {**CHILD, "status": {"observedGeneration": 3}}}, None),
        ({"child": None}, None),
        ({"applied": True}, None),
    ],
)
def test_since_when(given: dict[str, Any], since: str | None) -> None:
    age = {EARLY: 180, LATE: 60}
    assert waits(**given) == (None if since is None else SILENT_SECONDS - age[since] + 1)


def test_what_is_said() -> None:
    status = {"rayService": {"generation": 3}, "conditions": [PROGRESSING]}
    parent = {"metadata": {"name": "m", "namespace": "llm", "generation": 1}, "spec": {}, "status": status}
    scope = Scope(parent=parent, now="2026-01-01T00:04:59Z", child=CHILD)
    assert diagnose(scope, observe(CHILD)) is None
    found = diagnose(replace(scope, now="2026-01-01T00:05:00Z"), observe(CHILD))
    assert found is not None
    assert found.message == (
        "KubeRay has not looked at the RayService for 5 minutes: is its operator running, and does it watch namespace llm? What "
        "serves goes on serving; no change takes effect"
    )
