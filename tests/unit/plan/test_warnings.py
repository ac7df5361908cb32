"""What is said beforehand: a spec that asks for more than a deleted pod gets, and several replicas behind one head."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import samples
from builders import LLM, llm
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy, Scope
from llm_operator.plan.warnings import GRACE_CUT_SHORT, NO_HEAD_FAULT_TOLERANCE
from llm_operator.render.drain import RAY_SECONDS
from llm_operator.sync import sync

NOW = "2026-01-01T00:00:00Z"
OLDER = replace(DEFAULT_POLICY, render_version="2")
"""Renders pods that Ray ends after its own 30 s."""


def _graceful(seconds: int | None) -> LLM:
    return llm("a") if seconds is None else llm("a").model(health={"gracefulShutdownSeconds": seconds})


def _sync(body: LLM, status: dict[str, Any] | None = None, policy: Policy = OLDER) -> tuple[dict[str, Any], list[str]]:
    """The status, and the reasons of the warnings among the events. Paused: nothing is applied, so one look says all."""
    made = body.with_("spec.paused", True).object()
    made["metadata"]["generation"] = 1
    outcome = sync(Scope(parent={**made, "status": status or {}}, now=NOW, policy=policy))
    return outcome.status, [each.reason for each in outcome.events if each.type == "Warning"]


def _accepted(status: dict[str, Any]) -> str:
    return str(next(each for each in status["conditions"] if each["type"] == "Accepted")["message"])


@pytest.mark.parametrize(("seconds", "warned"), [(None, False), (0, False), (30, False), (31, True), (600, True)])
def test_more_than_a_deleted_pod_gets(seconds: int | None, warned: bool) -> None:
    """The default of 120 s is nothing that somebody asked for: the field's description says what it does not cover."""
    status, events = _sync(_graceful(seconds))
    assert (GRACE_CUT_SHORT in events) is warned
    assert (f"a ({seconds} s)" in _accepted(status)) is warned
    assert (f"after {RAY_SECONDS} s" in _accepted(status)) is warned


@pytest.mark.parametrize("seconds", [None, 31, 600, 3600])
def test_the_newest_rendering_gives_what_is_asked(seconds: int | None) -> None:
    status, events = _sync(_graceful(seconds), policy=DEFAULT_POLICY)
    assert events == []
    assert _accepted(status) == ""


def test_an_application() -> None:
    document = samples.document("batch")
    deployment = document["spec"]["applications"][0]["deployments"][0]
    deployment["health"]["gracefulShutdownSeconds"] = 900
    accepted = _accepted(sync(Scope(parent=document, now=NOW, policy=OLDER)).status)
    assert f"{document['spec']['applications'][0]['name']} (900 s)" in accepted


def test_each_is_told_once_and_only_the_new_one() -> None:
    status, events = _sync(_graceful(600))
    assert events == [GRACE_CUT_SHORT]
    both = _graceful(600).scaling(minReplicas=2, maxReplicas=2)
    status, events = _sync(both, status)
    assert events == [NO_HEAD_FAULT_TOLERANCE], "the other one was told before"
    assert "; " in _accepted(status)
    assert _sync(both, status)[1] == []


def test_names_are_few() -> None:
    many = _graceful(600)
    for name in ("b", "c", "d"):
        many = many.add_model(name, health={"gracefulShutdownSeconds": 40})
    assert "a (600 s), b (40 s), c (40 s) and more" in _accepted(_sync(many)[0])
