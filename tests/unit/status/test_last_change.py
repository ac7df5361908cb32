"""When the last change is through, and how long it took: every branch, at the second where it turns."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from llm_operator.api.names import CHANGE_ANNOTATION
from llm_operator.outcome import Event
from llm_operator.plan.inputs import Scope
from llm_operator.status.conditions import Facts
from llm_operator.status.last_change import LastChange, last_change
from llm_operator.status.observed import observe

START, WORD, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:00:20Z", "2026-01-01T00:00:25Z"
ENTRY: dict[str, Any] = {
    "class": "ReplicaRestart",
    "message": "replicas of a restart",
    "strategy": "Auto",
    "extraAccelerators": "0",
    "startedAt": START,
    "generation": 2,
    "extraPods": 0,
}
THROUGH = Event(
    "Normal", "ChangeFinished", "ReplicaRestart change of generation 2 is through after 20 s: replicas of a restart"
)
READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:10Z"}


def facts(
    record: Any = ENTRY,
    *,
    before: Any = ENTRY,
    alone: bool = True,
    created: bool = False,
    word: str = WORD,
    now: str = NOW,
    ready: Any = READY,
    measured: Any = None,
    engine: str = "HEALTHY",
    pending: str = "",
    **more: Any,
) -> Facts:
    """A RayService that serves and carries `record`; `before` is what the last status told."""
    annotations = (
        {} if record is None else {CHANGE_ANNOTATION: json.dumps({**record, "alone": alone, "created": created})}
    )
    statuses = {"a": {"status": "RUNNING", "serveDeploymentStatuses": {"LLMServer:a": {"status": engine}}}}
    child = {
        "metadata": {"generation": 2, "annotations": annotations},
        "status": {
            "observedGeneration": 2,
            "lastUpdateTime": word,
            "conditions": [{"type": "Ready", "status": "True"}],
            "activeServiceStatus": {"rayClusterName": "c", "applicationStatuses": statuses},
            "pendingServiceStatus": {"rayClusterName": pending},
        },
    }
    told = {"lastChange": before, "measured": measured, "conditions": [ready]}
    parent = {
        "metadata": {"name": "m", "namespace": "llm", "generation": 2},
        "status": {key: value for key, value in told.items() if value is not None},
    }
    scope = Scope(parent=parent, now=now, child=child)
    made = Facts(
        scope=scope, observed=observe(child), spec=None, invalid=None, path=None, models=({"name": "a", "ready": "True"},),
        applications=(), cause=None, apply_pending=False, conflict=None, render_version="", render_upgrade=None,
        others_problem=None, warnings=(), pruned=(),
    )  # fmt: skip
    return replace(made, **more)


def finished(at: str, seconds: int | None, event: Event | None = THROUGH, **entry: Any) -> LastChange:
    fields: dict[str, Any] = {"lastChange": {**ENTRY, **entry, "finishedAt": at}}
    return LastChange(fields | ({"measured": {"replicaRestartSeconds": seconds}} if seconds is not None else {}), event)


def on_its_way(wait: float | None = None, **entry: Any) -> LastChange:
    return LastChange({"lastChange": {**ENTRY, **entry}}, None, wait)


NEW = {**ENTRY, "class": "NewCluster"}
OLDER = {**ENTRY, "generation": 1, "startedAt": "2025-12-31T00:00:00Z", "finishedAt": "2025-12-31T00:00:09Z"}
LATER = {**ENTRY, "generation": 3, "startedAt": "2026-01-01T00:00:05Z"}
CALLED_OFF = {**LATER, "message": "called off before it started: replicas of a restart", "finishedAt": NOW}
TABLE: dict[str, tuple[Facts, LastChange]] = {
    "through, when KubeRay has been quiet for 5 s": (facts(), finished(WORD, 20)),
    "not yet": (facts(now="2026-01-01T00:00:24Z"), on_its_way(1.0)),
    "not yet, and KubeRay has said nothing since it started": (
        facts(word="2025-12-31T00:00:00Z", now="2026-01-01T00:00:04Z"), on_its_way(1.0),
    ),
    "said nothing: when it was ready again counts": (
        facts(word=""), finished("2026-01-01T00:00:10Z", 10, replace(THROUGH, note=THROUGH.note.replace("20", "10"))),
    ),
    "said nothing, and was ready all the time": (
        facts(word="", ready={**READY, "lastTransitionTime": "2025-12-31T00:00:00Z"}),
        finished(NOW, 25, replace(THROUGH, note=THROUGH.note.replace("20", "25"))),
    ),
    "not ready until now": (
        facts(ready={**READY, "status": "False"}), finished(NOW, 25, replace(THROUGH, note=THROUGH.note.replace("20", "25"))),
    ),
    "ready after KubeRay's last word": (
        facts(ready={**READY, "lastTransitionTime": "2026-01-01T00:00:23Z"}),
        finished("2026-01-01T00:00:23Z", 23, replace(THROUGH, note=THROUGH.note.replace("20", "23"))),
    ),
    "times that are none": (
        facts(word="soon", ready={**READY, "lastTransitionTime": None}),
        finished(NOW, 25, replace(THROUGH, note=THROUGH.note.replace("20", "25"))),
    ),
    "a new Ray cluster has no quiet moment": (
        facts(NEW, before=NEW, now=WORD),
        replace(
            finished(WORD, None, replace(THROUGH, note=THROUGH.note.replace("ReplicaRestart", "NewCluster")), **{"class": "NewCluster"}),
            fields={"lastChange": {**NEW, "finishedAt": WORD}, "measured": {"newClusterSeconds": 20}},
        ),
    ),
    "in no time takes a second": (
        facts(NEW, before=NEW, now=START, word=START, ready={**READY, "lastTransitionTime": START}),
        LastChange(
            {"lastChange": {**NEW, "finishedAt": START}, "measured": {"newClusterSeconds": 1}},
            replace(THROUGH, note="NewCluster change of generation 2 is through after 0 s: replicas of a restart"),
        ),
    ),
    "not alone: not measured": (facts(alone=False), finished(WORD, None)),
    "other measures stay": (
        facts(measured={"newClusterSeconds": 7}),
        replace(finished(WORD, 20), fields={
            "lastChange": {**ENTRY, "finishedAt": WORD}, "measured": {"newClusterSeconds": 7, "replicaRestartSeconds": 20},
        }),
    ),
    "the first start has no event": (facts(created=True), finished(WORD, 20, None)),
    "the last status told of another one: not measured": (facts(before=OLDER), finished(WORD, None)),
    "the last status knew nothing": (facts(before=None), finished(WORD, None)),
    "another leader has decided earlier": (facts(before={**ENTRY, "startedAt": "2025-12-31T23:59:59Z"}), finished(WORD, 20)),
    "another leader has decided later": (
        facts(before={**ENTRY, "startedAt": WORD}, engine="UPDATING"), on_its_way(startedAt=WORD),
    ),
    "another leader has decided later, and told that it is through": (
        facts(before={**ENTRY, "startedAt": WORD, "finishedAt": NOW}), on_its_way(startedAt=WORD, finishedAt=NOW),
    ),
    "told that it is through": (facts(before={**ENTRY, "finishedAt": WORD}), on_its_way(finishedAt=WORD)),
    "an engine restarts": (facts(engine="UPDATING"), on_its_way()),
    "a Ray cluster is pending": (facts(pending="d"), on_its_way()),
    "a model does not answer": (facts(models=({"name": "a", "ready": "False"},)), on_its_way()),
    "KubeRay has not looked": (facts(observed=replace(facts().observed, settled=False)), on_its_way()),
    "announced, and then not wanted any more": (facts(before=LATER), LastChange({"lastChange": CALLED_OFF})),
    "called off, as told": (facts(before=CALLED_OFF), LastChange({"lastChange": CALLED_OFF})),
    "somebody else's RayService": (facts(before=OLDER, conflict=("r", "m")), LastChange({"lastChange": OLDER})),
    "no record, and none told": (facts(None, before=None), LastChange({})),
    "no record, but told": (facts(None), finished(WORD, None)),
    "nothing, with measures": (facts(None, before=None, measured={"a": 1}), LastChange({"measured": {"a": 1}})),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_last_change(name: str) -> None:
    given, wanted = TABLE[name]
    assert last_change(given) == wanted


def test_one_that_is_to_start_is_told_as_it_is() -> None:
    assert last_change(facts(measured={"a": 1}), LATER) == LastChange({"lastChange": LATER, "measured": {"a": 1}})
