"""When a Ray cluster under preparation is dropped."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.plan.inputs import Scope
from llm_operator.render.sticky import Sticky
from llm_operator.rollout.pending import drop, returns
from llm_operator.rollout.revisions import Revision
from llm_operator.rollout.rollback import MOST_DROPPED, Rollback
from llm_operator.status.observed import observe

OLD: dict[str, Any] = {"rayVersion": "1", "headGroupSpec": {}, "workerGroupSpecs": []}
NEW: dict[str, Any] = {**OLD, "rayVersion": "2"}
REVISION = Revision("r", 1, {}, Sticky())


def _seen(active: str = "a", pending: str = "b") -> Any:
    sides = {"activeServiceStatus": {"rayClusterName": active}, "pendingServiceStatus": {"rayClusterName": pending}}
    return observe({"metadata": {}, "status": sides})


def _scope(*clusters: tuple[str, Any], leaving: str = "") -> Scope:
    made = tuple(
        {"metadata": {"name": name} | ({"deletionTimestamp": "now"} if name == leaving else {}), "spec": spec}
        for name, spec in clusters
    )
    return Scope(parent={}, now="", clusters=made)


WANTED = {"spec": {"rayClusterConfig": OLD}}
BOTH = _scope(("a", OLD), ("b", NEW))


@pytest.mark.parametrize(
    ("scope", "seen", "back"),
    [
        (BOTH, _seen(), True),
        (BOTH, _seen(active=""), False),
        (BOTH, _seen(pending=""), False),
        (_scope(("a", NEW), ("b", OLD)), _seen(), False),
        (_scope(("b", NEW)), _seen(), False),  # its RayCluster was not seen
        (_scope(("a", OLD), ("b", NEW), leaving="a"), _seen(), False),
        (_scope(("a", None), ("b", NEW)), _seen(), False),
    ],
)
def test_returns(scope: Scope, seen: Any, back: bool) -> None:
    assert returns(scope, seen, WANTED) is back


def _rollback(*dropped: str) -> Rollback:
    return Rollback(REVISION, "m", dropped)


@pytest.mark.parametrize(
    ("pending", "back", "dropped"),
    [
        (NEW, None, True),
        (NEW, _rollback(), True),
        (OLD, None, False),  # KubeRay has a reason of its own
        (OLD, _rollback(), True),  # made between the apply and this look
        (OLD, _rollback("b"), False),
        (OLD, _rollback("c", "d"), True),
        (OLD, _rollback(*"cdefgh"[:MOST_DROPPED]), False),
        (NEW, _rollback(*"cdefgh"[:MOST_DROPPED]), True),
    ],
)
def test_drop(pending: Any, back: Rollback | None, dropped: bool) -> None:
    found = drop(_scope(("a", OLD), ("b", pending)), _seen(), WANTED, back)
    assert (found.cluster if found else None) == ("b" if dropped else None)


def test_nothing_to_drop() -> None:
    assert drop(BOTH, _seen(pending=""), WANTED, None) is None
    assert drop(_scope(("a", OLD)), _seen(), WANTED, None) is None  # the pending RayCluster was not seen
