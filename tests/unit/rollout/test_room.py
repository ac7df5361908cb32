"""Room decides at the moment of the change: what stands around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import LLM, NOW, applied, llm, serving
from llm_operator.api.names import RENDER_VERSIONS
from llm_operator.capacity.room import Room
from llm_operator.outcome import Outcome
from llm_operator.plan.inputs import Policy, Scope
from llm_operator.render.drain import drain_of
from llm_operator.render.versions import version_of
from llm_operator.sync import sync

COUNTS = Policy(free_capacity=True)
FULL = Room(lacking="free now: nothing")
BEFORE, AFTER = llm("chat").with_("spec.ray", {"image": "img:1"}), llm("chat").with_("spec.ray", {"image": "img:2"})


def _scope(after: LLM, policy: Policy = COUNTS, version: str = "1") -> Scope:
    rendered = sync(Scope(parent=BEFORE.object(), now=NOW, policy=replace(policy, render_version=version))).apply
    assert rendered is not None
    parent = after.with_("metadata.generation", 2).object()
    return Scope(parent=parent, now=NOW, child=serving(applied(rendered), "chat"), policy=policy)


def _then(scope: Scope, outcome: Outcome, room: Room | None = None) -> tuple[Scope, Outcome]:
    after = replace(scope, parent={**scope.parent, "status": outcome.status}, room=room)
    return after, sync(after)


def test_a_change_that_waited_is_an_edit_still_when_it_starts() -> None:
    scope = _scope(AFTER)
    held = sync(replace(scope, room=FULL))
    assert held.apply is None
    assert held.room_for is None
    scope, asks = _then(scope, held)
    assert asks.apply is not None
    assert asks.room_for == asks.apply["spec"]["rayClusterConfig"]
    _, starts = _then(scope, held, Room())
    assert version_of(starts.apply) == version_of(asks.apply) == RENDER_VERSIONS[-1], "with the next new Ray cluster"


def test_a_restart_for_want_of_room_keeps_the_rendering() -> None:
    scope = _scope(BEFORE.model(engine={"contextLength": 4096}))
    assert version_of(sync(scope).apply) == RENDER_VERSIONS[-1]
    assert version_of(sync(replace(scope, room=FULL)).apply) == "1", "another one needs another Ray cluster"


def test_a_restart_for_want_of_room_keeps_the_time_to_drain() -> None:
    scope = _scope(
        BEFORE.model(engine={"contextLength": 4096}, health={"gracefulShutdownSeconds": 600}),
        version=RENDER_VERSIONS[-1],
    )
    assert drain_of(sync(scope).apply) == 610
    assert drain_of(sync(replace(scope, room=FULL)).apply) == 130, "another one needs another Ray cluster"


@pytest.mark.parametrize("room", [Room(), Room(known=False, unknown="403")])
def test_room_or_no_word_of_it_is_as_if_nobody_counted(room: Room) -> None:
    scope = _scope(AFTER)
    counted, uncounted = sync(replace(scope, room=room)), sync(_scope(AFTER, Policy()))
    assert uncounted.room_for is None
    assert counted == uncounted


def test_a_queue_decides_by_itself() -> None:
    scope = _scope(AFTER.with_("spec.scheduling", {"queueName": "gpus"}))
    starts = sync(replace(scope, room=FULL))
    assert starts.apply is not None
    assert starts == sync(scope), "and nobody counts"


@pytest.mark.parametrize(
    "stopped", [{"paused": True}, {"suspend": True}, {"rollout": {"strategy": "Recreate"}}, {"models": []}]
)
def test_nobody_counts_for_what_is_not_about_to_start(stopped: dict[str, Any]) -> None:
    made = AFTER
    for name, value in stopped.items():
        made = made.with_(f"spec.{name}", value)
    assert sync(_scope(made)).room_for is None
