"""Wrong ways of rolling out → the exact paths and messages."""

from __future__ import annotations

import pytest
from builders import LLM, llm
from unit.api.test_validation import POSITIVE, errors

STEPS = {"gatewayClassName": "istio", "stepSizePercent": 10, "intervalSeconds": 60}

WRONG = [
    ("unknown way of rolling out", llm().with_("spec.rollout", {"strategy": "bluegreen"}),
     ['spec.rollout.strategy: unknown value "bluegreen"; did you mean "BlueGreen"?']),
    ("no time to progress", llm().with_("spec.rollout", {"progressDeadlineSeconds": 10}),
     ["spec.rollout.progressDeadlineSeconds: input should be greater than or equal to 30"]),
    ("no spec to go back to", llm().with_("spec.rollout", {"revisionHistoryLimit": 0}),
     [f"spec.rollout.revisionHistoryLimit: {POSITIVE}"]),
    ("a restart now", llm().with_("spec.rollout", {"restartedAt": "now"}),
     ['spec.rollout.restartedAt: "now" is not possible here: Another time starts a new Ray cluster with the same spec, and is the only '
      "thing that starts anew what KubeRay or Ray Serve gave up"]),
    ("step by step without numbers", llm().with_("spec.rollout", {"strategy": "Incremental"}),
     ["spec.rollout.incremental: strategy Incremental and its numbers belong together: set both or neither"]),
    ("steps of another strategy", llm().with_("spec.rollout", {"incremental": STEPS}),
     ["spec.rollout.incremental: strategy Incremental and its numbers belong together: set both or neither"]),
    ("steps without a Gateway", llm().with_("spec.rollout", {"strategy": "Incremental", "incremental": {**STEPS, "gatewayClassName": ""}}),
     ['spec.rollout.incremental.gatewayClassName: "" does not match '
      "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"]),
    ("steps of nothing", llm().with_("spec.rollout", {"strategy": "Incremental", "incremental": {**STEPS, "stepSizePercent": 0}}),
     [f"spec.rollout.incremental.stepSizePercent: {POSITIVE}"]),
    ("a surge of more than all", llm().with_("spec.rollout", {"strategy": "Incremental", "incremental": {**STEPS, "maxSurgePercent": 101}}),
     ["spec.rollout.incremental.maxSurgePercent: input should be less than or equal to 100"]),
    ("steps at once", llm().with_("spec.rollout", {"strategy": "Incremental", "incremental": {**STEPS, "intervalSeconds": 0}}),
     [f"spec.rollout.incremental.intervalSeconds: {POSITIVE}"]),
    ("a step larger than its surge",
     llm().with_("spec.rollout", {"strategy": "Incremental", "incremental": {**STEPS, "stepSizePercent": 30, "maxSurgePercent": 29}}),
     ["spec.rollout.incremental.stepSizePercent: 30 must not exceed maxSurgePercent (29): no more requests move than there are replicas for"]),
    ("steps past the deadline",
     llm().with_("spec.rollout", {"strategy": "Incremental", "incremental": {**STEPS, "stepSizePercent": 33}, "progressDeadlineSeconds": 240}),
     ["spec.rollout.progressDeadlineSeconds: 240 is too short: incremental takes up to 4 steps of 60 s, 240 s in all, beside the time "
      "to start"]),
    ("steps without Ray's autoscaler",
     llm().with_("spec.rollout", {"strategy": "Incremental", "incremental": STEPS}).with_("spec.scheduling", {"queueName": "q"}),
     ["spec.rollout.strategy: strategy Incremental needs Ray's autoscaler, which a queue of Kueue excludes: choose another strategy or no "
      "queueName"]),
]  # fmt: skip


@pytest.mark.parametrize(("made", "want"), [pytest.param(made, want, id=name) for name, made, want in WRONG])
def test_wrong(made: LLM, want: list[str]) -> None:
    assert errors(made) == want
