"""What stands of Serve's word, case by case: ready, state and message together."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.api.conditions import Reason, Status
from llm_operator.plan.inputs import Probed, Scope
from llm_operator.status.diagnosis.evidence import Evidence
from llm_operator.status.diagnosis.lasting import lasting
from llm_operator.status.observed import observe
from llm_operator.status.serving import WARMING, judged
from unit.status.test_serving import CLUSTER, LOST, OLD, WARM, going, pod, worker
from unit.status.test_serving import WARMING as WARMS

RUNS = (Status.TRUE, "RUNNING/HEALTHY", "said")
SILENT = (Status.UNKNOWN, "Unknown", "quiet")
FAILS = (Status.FALSE, "DEPLOYING/UPDATING", "failing")
CHILD = {"metadata": {"generation": 1}, "status": {"activeServiceStatus": {"rayClusterName": CLUSTER}}}
BEFORE = {"models": [{"name": "chat", "ready": "True", "state": "LAST"}], "rayService": {"activeCluster": CLUSTER}}
ASKED_NOTHING: dict[str, Probed] = {}


def _judged(said: Any, probes: Any, status: Any, *, child: Any = CHILD, pods: Any = ()) -> Any:
    parent = {"metadata": {"name": "chat", "namespace": "llm", "generation": 1}, "spec": {}, "status": status}
    scope = Scope(parent=parent, now="2026-01-01T00:00:00Z", child=child, pods=pods, probes=probes)
    return judged(scope, observe(child), "chat", "models", said)


def _answers(probe: Probed) -> dict[str, Probed]:
    return {"chat": probe}


@pytest.mark.parametrize(
    ("said", "probes", "status", "want"),
    [
        # Nobody asks.
        (RUNS, None, {}, RUNS),
        (FAILS, None, BEFORE, FAILS),
        # Not asked yet: the last word stands, where there was one.
        (RUNS, ASKED_NOTHING, {}, (Status.FALSE, RUNS[1], WARMING)),
        (RUNS, ASKED_NOTHING, BEFORE, RUNS),
        (SILENT, ASKED_NOTHING, BEFORE, (Status.TRUE, "LAST", "quiet")),
        (SILENT, ASKED_NOTHING, {}, SILENT),
        (FAILS, ASKED_NOTHING, BEFORE, FAILS),
        (RUNS, _answers(OLD), {}, (Status.FALSE, RUNS[1], WARMING)),
        # It answers.
        (RUNS, _answers(WARM), {}, RUNS),
        (FAILS, _answers(WARM), {}, FAILS),
        (FAILS, _answers(WARM), BEFORE, (Status.TRUE, FAILS[1], FAILS[2])),
        (SILENT, _answers(WARM), BEFORE, (Status.TRUE, "LAST", "quiet")),
        # It does not.
        (RUNS, _answers(LOST), {}, (Status.FALSE, RUNS[1], "does not answer: connection refused")),
        (FAILS, _answers(LOST), BEFORE, (Status.FALSE, FAILS[1], "does not answer: connection refused")),
        (FAILS, _answers(LOST), {}, FAILS),
        (RUNS, _answers(WARMS), {}, (Status.FALSE, RUNS[1], WARMING)),
    ],
)
def test_judged(said: Any, probes: Any, status: Any, want: Any) -> None:
    assert _judged(said, probes, status) == want


def test_a_lost_head_takes_ready_and_leaves_the_state() -> None:
    ready, state, message = _judged(RUNS, _answers(WARM), BEFORE, pods=(going(pod()), worker()))
    assert (ready, state) == (Status.FALSE, RUNS[1])
    assert message not in ("", RUNS[2], WARMING)
    assert _judged(FAILS, _answers(WARM), BEFORE, pods=(going(pod()), worker())) == FAILS


def test_without_a_ray_cluster_serves_word_stands() -> None:
    bare = {"metadata": {"generation": 1}, "status": {}}
    assert _judged(RUNS, _answers(WARM), BEFORE, child=bare) == RUNS


ENDED = {"type": "Degraded", "status": "True", "reason": "OutOfMemory", "message": "words", "observedGeneration": 1}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (ENDED, (Reason.OUT_OF_MEMORY, "words")),
        ({key: value for key, value in ENDED.items() if key != "message"}, (Reason.OUT_OF_MEMORY, "")),
        ({**ENDED, "status": "False"}, None),
        ({**ENDED, "type": "Ready"}, None),
        ({**ENDED, "reason": "DeployFailed"}, None),
        ({**ENDED, "observedGeneration": 2}, None),
    ],
)
def test_lasting(condition: dict[str, Any], said: Any) -> None:
    status = {"conditions": [{"type": "Ready", "status": "True"}, condition]}
    parent = {"metadata": {"name": "chat", "namespace": "llm", "generation": 1}, "status": status}
    found = lasting(Evidence(Scope(parent=parent, now="2026-01-01T00:00:00Z"), observe(None)))
    assert (found and (found.reason, found.message)) == said
