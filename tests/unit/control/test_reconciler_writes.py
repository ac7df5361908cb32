"""The real reconciler on every golden case: what it sends is what the case says, in its order, and nothing else."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from golden.case import Case, cases
from llm_operator.outcome import Outcome
from unit.control.case_world import World

PLAIN = [case for case in cases() if not {"apply_error", "objects_error"} & case.raw.keys()]
"""Without those that the API server refuses something of."""


def _of(live: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """A RayService that is there is named by its uid: it is not to be made again."""
    return wanted if live is None else {**wanted, "metadata": {**wanted["metadata"], "uid": live["metadata"]["uid"]}}


def _expected(world: World) -> list[Any]:
    """The writes of a case, in the order that outcome.py promises."""
    case, scope = world.case, world.scope
    uid = scope.parent["metadata"]["uid"]
    told: Any = scope.status
    writes: list[Any] = []

    def status(outcome: Outcome) -> None:
        nonlocal told
        if outcome.status != told:
            writes.append(("status", outcome.status))
            writes.extend(("event", uid, asdict(event)) for event in outcome.events)
            told = outcome.status

    *before, last = case.steps
    for step in before:
        if step.outcome.announce:
            status(step.outcome)
        elif step.outcome.apply is not None:
            writes.append(("apply", "RayService", _of(step.scope.child, step.outcome.apply)))
            writes.extend(("event", uid, asdict(event)) for event in step.outcome.events)
    outcome = last.outcome
    if outcome.delete_child and scope.child is not None and "deletionTimestamp" not in scope.child["metadata"]:
        writes.append(("delete", "RayService", scope.name, scope.child["metadata"]["uid"]))
    writes.extend(("patch", "RayCluster", patch.name, list(patch.operations), None) for patch in outcome.patches)
    writes.extend(("apply", obj["kind"], obj) for obj in outcome.objects)
    writes.extend(("delete", removal.kind, removal.name, removal.uid) for removal in outcome.removals)
    status(outcome)
    writes.extend(("delete", "Pod", deletion.name, deletion.uid) for deletion in outcome.pod_deletions)
    if (drop := outcome.drop_pending) is not None:
        writes.append(("patch", "RayService", scope.name, list(drop.operations), "status"))
    return writes


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
async def test_what_is_sent_is_what_the_case_says(case: Case) -> None:
    world = World(case)
    await world.reconcile()
    assert world.api.written == _expected(world)
