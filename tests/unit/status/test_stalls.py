"""Replicas that make no token: reported, or restarted within the hour's budget, which lives in the status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import applied, llm, serving
from llm_operator.outcome import Outcome
from llm_operator.plan.inputs import Policy, Scope, Stall
from llm_operator.sync import sync

NOW = "2026-01-01T12:00:00Z"
MAY = Policy(restart_stalled=True)
STALL = Stall("chat", "chat-abcde-worker-x", "u-1", "replica-1", alone=True)
POD = {"metadata": {"name": STALL.pod, "namespace": "llm", "uid": "u-1", "labels": {}}, "status": {}}
SAYS = 'model "chat": requests run and no token was made for 60 s in '


def scope(status: Any = None, **progress: Any) -> Scope:
    """One model that serves, with one stalled replica."""
    health = {"tokenProgress": {"stallSeconds": 60, **progress}} if progress.pop("on", True) else {}
    parent = llm("chat").model(health=health).object()
    wanted = sync(Scope(parent=parent, now=NOW)).apply
    assert wanted is not None
    parent["status"] = status or {}
    return Scope(
        parent=parent, now=NOW, child=serving(applied(wanted), "chat"), pods=(POD,), policy=MAY, stalls=(STALL,)
    )


def with_restarts(*times: str) -> dict[str, Any]:
    return {"models": [{"name": "chat", "stallRestarts": list(times)}]}


def degraded(outcome: Outcome) -> tuple[str, str, str]:
    (found,) = [each for each in outcome.status["conditions"] if each["type"] == "Degraded"]
    return found["status"], found["reason"], found["message"]


def test_reported_by_default() -> None:
    outcome = sync(scope())
    assert outcome.pod_deletions == ()
    status, reason, message = degraded(outcome)
    assert (status, reason) == ("True", "TokensStalled")
    assert "60 s" in message
    assert STALL.pod in message
    assert "only reported" in message
    assert "stallRestarts" not in outcome.status["models"][0]
    ready = outcome.status["conditions"][0]
    assert (ready["type"], ready["status"]) == ("Ready", "True")


def test_restarted_and_written_down() -> None:
    outcome = sync(scope(action="Restart"))
    assert [(each.name, each.uid) for each in outcome.pod_deletions] == [(STALL.pod, "u-1")]
    assert outcome.status["models"][0]["stallRestarts"] == [NOW]
    assert degraded(outcome)[1] == "TokensStalled"


def test_the_budget_is_that_of_the_last_hour() -> None:
    spent = sync(scope(with_restarts("2026-01-01T11:10:00Z", "2026-01-01T11:30:00Z"), action="Restart"))
    assert spent.pod_deletions == ()
    assert "2 of 2 restarts an hour" in degraded(spent)[2]
    assert spent.status["models"][0]["stallRestarts"] == ["2026-01-01T11:10:00Z", "2026-01-01T11:30:00Z"]
    again = sync(scope(with_restarts("2026-01-01T10:59:00Z", "2026-01-01T11:30:00Z"), action="Restart"))
    assert len(again.pod_deletions) == 1
    assert again.status["models"][0]["stallRestarts"] == ["2026-01-01T11:30:00Z", NOW]


def test_a_second_pass_of_the_same_look_counts_it_once() -> None:
    """The status was written in between, to announce something else; the pod is still there."""
    again = sync(scope(with_restarts(NOW), action="Restart", maxRestartsPerHour=1))
    assert len(again.pod_deletions) == 1
    assert again.status["models"][0]["stallRestarts"] == [NOW]


def test_two_at_once_share_the_budget() -> None:
    both = replace(
        scope(action="Restart", maxRestartsPerHour=1),
        stalls=(STALL, replace(STALL, pod="chat-abcde-worker-y", uid="u-2")),
        pods=(POD, {"metadata": {"name": "chat-abcde-worker-y", "namespace": "llm", "uid": "u-2", "labels": {}}}),
    )
    outcome = sync(both)
    assert [each.uid for each in outcome.pod_deletions] == ["u-1"]
    assert "1 of 1 restarts" in degraded(outcome)[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"policy": Policy()}, "not restarted: the operator may not delete pods (chart value operator.restartStalled)"),
        ({"stalls": (replace(STALL, alone=False),)}, "not restarted: another replica lives in that pod"),
    ],
)
def test_kept_from_it(change: dict[str, Any], said: str) -> None:
    outcome = sync(replace(scope(action="Restart"), **change))
    assert outcome.pod_deletions == ()
    assert degraded(outcome)[2] == f"{SAYS}the replica in pod chat-abcde-worker-x: {said}"


def test_every_replica_is_told_of() -> None:
    other = Stall("chat", "chat-abcde-worker-y", "u-2", "replica-2", alone=True)
    pods = (POD, {"metadata": {**POD["metadata"], "name": other.pod, "uid": "u-2"}, "status": {}})
    elsewhere = replace(STALL, model="another")
    outcome = sync(replace(scope(action="Restart", maxRestartsPerHour=1), stalls=(elsewhere, STALL, other), pods=pods))
    assert degraded(outcome)[2] == (
        f"{SAYS}the replica in pod chat-abcde-worker-x: its pod is deleted, so that Ray Serve starts it anew; "
        "the replica in pod chat-abcde-worker-y: not restarted: 1 of 1 restarts an hour are used up"
    )


def test_reported_in_words() -> None:
    said = "only reported, as health.tokenProgress.action says"
    assert degraded(sync(scope()))[2] == f"{SAYS}the replica in pod chat-abcde-worker-x: {said}"


def test_paused_means_hands_off() -> None:
    paused = scope(action="Restart")
    spec = {**paused.parent["spec"], "paused": True}
    outcome = sync(replace(paused, parent={**paused.parent, "spec": spec}))
    assert outcome.pod_deletions == ()
    assert "spec.paused" in degraded(outcome)[2]


@pytest.mark.parametrize("pods", [(), ({**POD, "metadata": {**POD["metadata"], "deletionTimestamp": NOW}},)])
def test_a_pod_that_goes_is_not_deleted_twice(pods: Any) -> None:
    outcome = sync(replace(scope(with_restarts(NOW), action="Restart"), pods=pods))
    assert outcome.pod_deletions == ()
    assert degraded(outcome)[:2] == ("False", "AsExpected")
    assert outcome.status["models"][0]["stallRestarts"] == [NOW]


def test_models_that_did_not_ask_are_left_alone() -> None:
    off = scope(on=False)
    assert sync(off).pod_deletions == ()
    assert degraded(sync(off))[0] == "False"
    assert off.parent["spec"]["models"][0]["health"] == {}
    asked = sync(scope()).probing
    assert asked is not None
    assert [(each.model, each.owner, each.policy.stall_seconds) for each in asked.progress] == [("chat", "chat", 60)]
