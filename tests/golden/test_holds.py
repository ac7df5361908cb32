"""Everything that keeps the wanted state from being applied or reached, in all golden cases and stories, and who ends it.

kstatus: Stalled asks for somebody, Reconciling does not (https://github.com/kubernetes-sigs/cli-utils, pkg/kstatus). A hold
that no row knows, and a row that no case shows, fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from golden.case import cases
from golden.test_rollouts import STORIES, happens
from golden.world import World

SOMEBODY, ITSELF, NOBODY = "Stalled", "Reconciling", ""

# Reason and words of Rendered=False, and who ends it. NOBODY: somebody wants it so.
HOLDS: dict[tuple[str, str], str] = {
    ("InvalidSpec", ""): SOMEBODY,
    ("KubeRayNotInstalled", "install KubeRay"): SOMEBODY,
    ("NameConflict", "belongs to"): SOMEBODY,
    ("NameConflict", "is there and not ours"): SOMEBODY,
    ("ApplyRejected", "the API server refuses"): SOMEBODY,
    ("ApplyPending", "is being applied"): ITSELF,
    ("ApplyPending", "of an earlier LLMDeployment of this name is deleted"): ITSELF,
    ("Paused", "changes wait until spec.paused is false"): NOBODY,
    ("ChangeHeld", "which spec.rollout.strategy InPlace forbids"): SOMEBODY,
    ("ChangeHeld", "there is no room for it beside the old one"): ITSELF,
    ("ChangeHeld", "replicas would have to restart while requests move"): ITSELF,
    ("ChangeHeld", "Incremental is not switched on"): SOMEBODY,
    ("ChangeHeld", "Incremental needs the Gateway API"): SOMEBODY,
    ("ChangeHeld", "KubeRay ignores spec.rollout.strategy Incremental"): SOMEBODY,
    ("ChangeHeld", "Incremental cannot be chosen"): SOMEBODY,
    ("ChangeHeld", "Incremental cannot be left"): SOMEBODY,
    ("ChangeHeld", "by a newer operator"): SOMEBODY,
}
# Reasons of Degraded=True of what was applied and does not get there.
TROUBLE: dict[str, str] = {
    "RolledBack": SOMEBODY,
    "ProgressDeadlineExceeded": SOMEBODY,
    "KubeRayRejected": SOMEBODY,
    "InitializingTimeout": SOMEBODY,
}
# What is waited for, where a hold ends by itself.
WAITS: dict[tuple[str, str], str] = {
    ("ApplyPending", "of an earlier LLMDeployment of this name is deleted"): "waits until the RayService",
    ("ChangeHeld", "there is no room for it beside the old one"): "waits for room for a second Ray cluster",
    ("ChangeHeld", "replicas would have to restart while requests move"): "waits until Ray cluster",
}


def _ended_by(conditions: dict[str, dict[str, Any]]) -> str:
    found = [kind for kind in (SOMEBODY, ITSELF) if kind in conditions]
    assert len(found) < 2, conditions
    return found[0] if found else NOBODY


def _statuses() -> Iterator[tuple[str, dict[str, Any] | None]]:
    for case in cases():
        for step in case.steps:
            yield case.name, step.outcome.status
    for path in STORIES:
        story = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        world = World(story["spec"], nodes=story.get("nodes"))
        world.reconcile()
        for step in story["steps"]:
            happens(world, step)
            world.reconcile()
            yield path.stem, world.status


@cache
def _seen() -> tuple[tuple[str, dict[str, dict[str, Any]]], ...]:
    return tuple(
        (name, {entry["type"]: entry for entry in (status or {}).get("conditions", ())}) for name, status in _statuses()
    )


def _held() -> Iterator[tuple[str, tuple[str, str], dict[str, dict[str, Any]]]]:
    """Without those of a spec that was rolled back: TROUBLE."""
    for name, conditions in _seen():
        rendered = conditions.get("Rendered")
        if rendered is None or rendered["status"] != "False" or conditions["Degraded"]["reason"] == "RolledBack":
            continue
        rows = [
            row for row in HOLDS if row[0] == rendered["reason"] and re.search(re.escape(row[1]), rendered["message"])
        ]
        assert len(rows) == 1, f"{name}: {rendered['reason']}: {rendered['message']}: rows {rows}"
        yield name, rows[0], conditions


def test_every_hold_is_in_the_table_and_every_row_is_shown() -> None:
    assert {row for _, row, _ in _held()} == set(HOLDS)


@pytest.mark.parametrize("row", HOLDS, ids=lambda row: f"{row[0]} {row[1][-40:]}")
def test_who_ends_a_hold(row: tuple[str, str]) -> None:
    for name, found, conditions in _held():
        if found == row:
            assert _ended_by(conditions) == HOLDS[row], name


@pytest.mark.parametrize("row", WAITS, ids=lambda row: row[1][-40:])
def test_what_is_waited_for_is_said(row: tuple[str, str]) -> None:
    for name, found, conditions in _held():
        if found == row:
            said = conditions["Reconciling"]
            assert (said["reason"], conditions["Progressing"]["message"]) == (row[0], said["message"]), name
            assert WAITS[row] in said["message"], name


@pytest.mark.parametrize("reason", TROUBLE)
def test_who_ends_trouble(reason: str) -> None:
    shown = [
        (name, conditions)
        for name, conditions in _seen()
        if (degraded := conditions.get("Degraded")) and (degraded["status"], degraded["reason"]) == ("True", reason)
        if conditions["Rendered"]["status"] == "True" or reason == "RolledBack"
    ]
    assert shown
    for name, conditions in shown:
        assert _ended_by(conditions) == TROUBLE[reason], name
