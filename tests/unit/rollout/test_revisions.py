"""Specs that served: read, numbered, bounded; and which one a rollback takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Scope
from llm_operator.render.sticky import Retry, Sticky
from llm_operator.rollout.failure import Failure
from llm_operator.rollout.revisions import Revision, kept, revisions, served, workload
from llm_operator.rollout.rollback import begin, standing

UID = "u"
FAILED = Failure(Reason.DEPLOY_FAILED, "it broke")
STICKY = Sticky("f", "2026-01-01T00:00:00Z", {"m": Retry("c", 2)})


def scope(*others: dict[str, Any], image: str = "a", status: dict[str, Any] | None = None) -> Scope:
    metadata = {"name": "chat", "namespace": "llm", "uid": UID, "generation": 4}
    spec = {"ray": {"image": image}, "models": [], "paused": False, "rollout": {"strategy": "Auto"}}
    return Scope(
        parent={"metadata": metadata, "spec": spec, "status": status or {}}, now="2026-01-01T00:00:00Z", others=others
    )


def stored(revision: Revision, uid: str = UID, **metadata: Any) -> dict[str, Any]:
    manifest = revision.manifest
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [{"uid": uid}], **metadata}}


def of(image: str, number: int, sticky: Sticky = STICKY) -> Revision:
    """A revision as the operator makes it."""
    return replace(served(scope(image=image), sticky), number=number)


def test_round_trip() -> None:
    made = of("a", 7)
    assert revisions(scope(stored(made))) == (made,)
    assert made.spec == {"ray": {"image": "a"}, "models": []}, "how it is rolled out is not part of it"
    assert made.name.startswith("chat-")


def test_the_newest_first() -> None:
    first, second = of("a", 1), of("b", 2)
    assert revisions(scope(stored(first), stored(second))) == (second, first)
    assert revisions(scope(stored(second), stored(first))) == (second, first)


@pytest.mark.parametrize(
    "broken",
    [
        {**stored(of("a", 1)), "data": None},
        {**stored(of("a", 1)), "data": {"served": "no json"}},
        {**stored(of("a", 1)), "data": {"served": "{}"}},
        {**stored(of("a", 1)), "revision": "x"},
        {**stored(of("a", 1)), "kind": "PodDisruptionBudget"},
        stored(of("a", 1), uid="another"),
        stored(of("a", 1), deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
)
def test_what_is_none_of_ours_is_not_read(broken: dict[str, Any]) -> None:
    assert revisions(scope(broken)) == ()


def test_served_is_numbered() -> None:
    first = served(scope(), STICKY)
    assert first.number == 1
    same = served(scope(stored(first)), STICKY)
    assert same == first, "nothing is written again"
    other = served(scope(stored(first), image="b"), STICKY)
    assert (other.number, other.name != first.name) == (2, True)
    again = served(scope(stored(first), stored(other)), STICKY)
    assert (again.number, again.name) == (3, first.name), "what serves again is the newest"
    forced = served(scope(stored(first)), replace(STICKY, forced="g"))
    assert forced.name != first.name, "another Ray cluster is another revision"


def test_kept_is_bounded() -> None:
    known = [of(image, number) for number, image in enumerate("abc", start=1)]
    live = [stored(each) for each in known]
    assert [each.number for each in kept(scope(*live), None, 2)] == [3, 2]
    new = of("d", 4)
    assert [each.number for each in kept(scope(*live), new, 2)] == [4, 3]
    assert [each.number for each in kept(scope(*live), replace(known[0], number=4), 5)] == [4, 3, 2]


def test_workload_of_nonsense() -> None:
    assert workload(None) == {}
    assert workload({"models": [], "suspend": True}) == {"models": []}


def test_rollback_takes_the_newest_other() -> None:
    first, second = of("a", 1), of("b", 2)
    both = (stored(first), stored(second))
    found = begin(scope(*both, image="x"), FAILED, STICKY)
    assert found is not None
    assert found.revision == second
    assert found.message == (
        f"generation 4 failed: it broke; the spec of ControllerRevision {second.name} is in force until the spec is edited"
    )
    same = begin(scope(*both, image="b"), FAILED, STICKY)
    assert same is not None
    assert same.revision == first, "what failed is nothing to go back to"
    restarted = begin(scope(*both, image="b"), FAILED, replace(STICKY, restarted_at="2026-02-01T00:00:00Z"))
    assert restarted is not None
    assert restarted.revision == second, "the same spec on the Ray cluster that served"
    assert begin(scope(image="x"), FAILED, STICKY) is None


def test_standing() -> None:
    revision = of("a", 1)
    entry = {"failedGeneration": 4, "revision": revision.name, "message": "m", "droppedClusters": ["c"]}
    found = standing(scope(stored(revision), status={"rollback": entry}))
    assert found is not None
    assert (found.revision, found.message, found.dropped) == (revision, "m", ("c",))
    assert found.entry(4) == entry
    assert standing(scope(stored(revision), status={"rollback": {**entry, "failedGeneration": 3}})) is None
    assert standing(scope(status={"rollback": entry})) is None
    assert standing(scope(stored(revision))) is None
