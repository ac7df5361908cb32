"""Retries of what Ray Serve gave up: when, how often, and what is remembered where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llm_operator.plan.inputs import Scope
from llm_operator.render.sticky import Retry, Sticky, code_of
from llm_operator.rollout.retries import retries
from llm_operator.status.observed import Application, Observed, observe

NOW = "2026-01-01T00:10:00Z"
APP: dict[str, Any] = {"name": "m", "import_path": "a:b", "args": {"x": 1}, "deployments": []}
FAILED, RUNNING = Application("DEPLOY_FAILED", "", "", ""), Application("RUNNING", "", "HEALTHY", "")
DEPLOYING, BLANK = Application("DEPLOYING", "", "UPDATING", ""), Application("", "", "", "")


def scope(*entries: dict[str, Any], generation: int = 1, lost: bool = False) -> Scope:
    status: dict[str, Any] = {"observedGeneration": generation}
    if not lost:
        status["retries"] = list(entries)
    metadata = {"name": "chat", "namespace": "llm", "generation": 1}
    return Scope(parent={"metadata": metadata, "status": status}, now=NOW)


def seen(application: Application, *, pending: bool = False) -> Observed:
    made = replace(observe(None), exists=True, active_cluster="a")
    if pending:
        return replace(made, pending_cluster="b", pending_applications={"m": application})
    return replace(made, applications={"m": application})


def live(number: int, code: str | None = None) -> Sticky:
    return Sticky(retries={"m": Retry(code or code_of(APP), number)}) if number else Sticky()


def entry(attempts: int, number: int, due: str = "") -> dict[str, Any]:
    return {"name": "m", "attempts": attempts, "number": number, "dueAt": due}


PAST, FUTURE = "2026-01-01T00:10:00Z", "2026-01-01T00:10:01Z"


@pytest.mark.parametrize(
    ("before", "number", "application", "after", "tried", "wait"),
    [
        # the first failure: in 60 s; none before it is due
        ([], 0, FAILED, [entry(0, 0, "2026-01-01T00:11:00Z")], None, 60.0),
        ([entry(0, 0, FUTURE)], 0, FAILED, [entry(0, 0, FUTURE)], None, 1.0),
        # due: tried, and the next one waits twice as long
        ([entry(0, 0, PAST)], 0, FAILED, [entry(1, 1, "2026-01-01T00:12:00Z")], 1, 120.0),
        ([entry(1, 1, PAST)], 1, FAILED, [entry(2, 2, "2026-01-01T00:14:00Z")], 2, 240.0),
        ([entry(2, 2, PAST)], 2, FAILED, [entry(3, 3, "2026-01-01T00:11:00Z")], 3, 60.0),
        # another failure after it had begun: the wait begins now
        ([entry(1, 1)], 1, FAILED, [entry(1, 1, "2026-01-01T00:12:00Z")], None, 120.0),
        ([entry(3, 3)], 3, FAILED, [entry(3, 3, "2026-01-01T00:11:00Z")], None, 60.0),
        # it has begun, and it serves
        ([entry(1, 1, PAST)], 1, DEPLOYING, [entry(1, 1)], None, None),
        ([entry(1, 1, PAST)], 1, RUNNING, [entry(0, 1)], None, None),
        ([entry(0, 0, PAST)], 0, RUNNING, [], None, None),
        # nobody knows
        ([entry(1, 1, PAST)], 1, BLANK, [entry(1, 1, PAST)], None, None),
        # applied, and the status not written
        ([entry(0, 0, PAST)], 1, FAILED, [entry(1, 1, "2026-01-01T00:12:00Z")], None, 120.0),
        # another code by now
        ([entry(3, 7, PAST)], 0, FAILED, [entry(0, 0, "2026-01-01T00:11:00Z")], None, 60.0),
        ([], 0, RUNNING, [], None, None),
    ],
)  # fmt: skip
def test_step(
    before: list[Any], number: int, application: Application, after: list[Any], tried: int | None, wait: float | None
) -> None:
    for pending in (False, True):
        found = retries(scope(*before), seen(application, pending=pending), live(number), [APP])
        assert [each.entry for each in found.entries] == after
        assert (found.now or {}).get("m") == (None if tried is None else Retry(code_of(APP), tried))
        assert found.requeue_after == wait
        assert found.exhausted == ()


@pytest.mark.parametrize(
    ("attempts", "due", "application", "exhausted"),
    [
        (3, PAST, FAILED, ("m",)),
        (3, FUTURE, FAILED, ()),
        (2, PAST, FAILED, ()),
        (3, PAST, RUNNING, ()),
        (3, PAST, BLANK, ()),
    ],
)
def test_exhausted(attempts: int, due: str, application: Application, exhausted: tuple[str, ...]) -> None:
    found = retries(scope(entry(attempts, attempts, due)), seen(application), live(attempts), [APP])
    assert found.exhausted == exhausted
    assert found.now is None or attempts < 3


def test_an_edit_begins_anew() -> None:
    found = retries(scope(entry(3, 3, PAST), generation=0), seen(FAILED), live(3), [APP])
    assert [each.entry for each in found.entries] == [entry(0, 3, "2026-01-01T00:11:00Z")]


@pytest.mark.parametrize(("number", "attempts"), [(2, 2), (9, 3)])
def test_with_the_status_lost_the_live_number_counts(number: int, attempts: int) -> None:
    (found,) = retries(scope(lost=True), seen(DEPLOYING), live(number), [APP]).entries
    assert (found.attempts, found.number) == (attempts, number)


def test_the_active_cluster_is_not_looked_at_while_another_is_prepared() -> None:
    both = replace(seen(DEPLOYING, pending=True), applications={"m": FAILED})
    assert retries(scope(), both, live(0), [APP]).entries == ()


def test_other_applications_keep_their_numbers() -> None:
    other = {**APP, "name": "n"}
    sticky = Sticky(retries={"n": Retry(code_of(other), 4)})
    known = {"name": "n", "attempts": 0, "number": 4, "dueAt": ""}
    found = retries(scope(entry(0, 0, PAST), known), seen(FAILED), sticky, [APP, other])
    assert found.now == {"m": Retry(code_of(APP), 1), "n": Retry(code_of(other), 4)}
    assert [each.entry for each in found.entries] == [entry(1, 1, "2026-01-01T00:12:00Z"), known]
