"""When the RayService is applied, and what is told with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llm_operator.outcome import Event
from llm_operator.plan.inputs import Scope
from llm_operator.stages.desired import Desired, compared
from llm_operator.stages.events import drift_events

HASH = "llm-operator.io/spec-hash"
PARENT: dict[str, Any] = {
    "metadata": {"name": "chat", "namespace": "llm", "uid": "u", "generation": 3},
    "spec": {},
    "status": {"observedGeneration": 3, "rayService": {"name": "chat", "generation": 7}},
}
LIVE = {"metadata": {"name": "chat", "generation": 7}}
SCOPE = Scope(parent=PARENT, now="2026-01-01T00:00:00Z", child=LIVE)
SAME = Desired({}, edited=False, drift=())
EDITED = replace(SAME, edited=True)
DRIFT = replace(SAME, drift=("spec.serveConfigV2",))
LABELS = replace(SAME, drift=("spec.a", "metadata.labels[a]"))


def seen(generation: int) -> Scope:
    """The live object is at this generation, and 7 is what the last status saw."""
    return replace(SCOPE, child={"metadata": {"name": "chat", "generation": generation}})


@pytest.mark.parametrize(
    ("scope", "wanted", "applied"),
    [
        (SCOPE, SAME, False),
        (SCOPE, EDITED, True),
        (replace(SCOPE, child=None), SAME, True),
        (replace(SCOPE, child=None), EDITED, True),
        (SCOPE, DRIFT, False),  # our own last apply could not mend it
        (seen(8), DRIFT, True),
        (seen(8), SAME, False),
        (SCOPE, LABELS, True),  # the generation does not tell
        (replace(SCOPE, applied=True), EDITED, False),
        (replace(seen(8), applied=True), DRIFT, False),
        (replace(SCOPE, parent={**PARENT, "status": {}}), DRIFT, True),
    ],
)
def test_apply_needed(scope: Scope, wanted: Desired, applied: bool) -> None:
    assert wanted.apply_needed(scope) is applied


@pytest.mark.parametrize(
    ("live", "edited", "drift"),
    [
        (None, True, False),
        ({"metadata": {}}, True, True),
        ({"metadata": {"annotations": {HASH: "other"}}, "spec": {"a": 1}}, True, True),
        ({"metadata": {"annotations": {HASH: "h"}}, "spec": {"a": 1}}, False, False),
        ({"metadata": {"annotations": {HASH: "h"}}, "spec": {"a": 2}}, False, True),
    ],
)
def test_compared(live: Any, edited: bool, drift: bool) -> None:
    wanted = {"metadata": {"annotations": {HASH: "h"}}, "spec": {"a": 1}}
    found = compared(replace(SCOPE, child=live), wanted)
    assert (found.rayservice, found.edited, bool(found.drift)) == (wanted, edited, drift)


def _restored(paths: str) -> tuple[Event, ...]:
    return (Event("Normal", "DriftCorrected", f"RayService was changed by somebody else, restored: {paths}"),)


MANY = tuple("abcdef")
AGAIN = (Event("Normal", "ChildRecreated", 'RayService "chat" was gone and is made again'),)
DOWNTIME = {"strategy": "Recreate", "startedAt": "2026-01-01T00:00:00Z"}


def gone(**last: Any) -> Scope:
    return replace(SCOPE, child=None, parent={**PARENT, "status": {**PARENT["status"], "lastChange": last}})


@pytest.mark.parametrize(
    ("scope", "wanted", "events"),
    [
        (SCOPE, SAME, ()),
        (SCOPE, DRIFT, _restored("spec.serveConfigV2")),
        (SCOPE, replace(SAME, drift=MANY[:5]), _restored("a, b, c, d, e")),
        (SCOPE, replace(SAME, drift=MANY), _restored("a, b, c, d, e and more")),
        (SCOPE, replace(EDITED, drift=("a",)), ()),  # it is the user's own edit that differs
        (seen(8), replace(EDITED, drift=("a",)), _restored("a")),  # and somebody touched it without a new spec
        (gone(), SAME, AGAIN),
        (gone(**DOWNTIME), SAME, ()),  # planned
        (gone(**DOWNTIME, finishedAt="2026-01-01T00:00:01Z"), SAME, AGAIN),
        (gone(**{**DOWNTIME, "strategy": "Auto"}), SAME, AGAIN),
        (replace(SCOPE, child=None, parent={**PARENT, "status": {}}), SAME, ()),  # the first start
    ],
)
def test_what_is_told(scope: Scope, wanted: Desired, events: tuple[Event, ...]) -> None:
    assert drift_events(scope, wanted) == events
