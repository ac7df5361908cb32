"""What probes, the head's pod and zero replicas make of Ready, through the whole of sync."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import NOW, applied, llm, serving
from llm_operator.outcome import Outcome
from llm_operator.plan.inputs import Object, Probed, Scope
from llm_operator.plan.probing import Target
from llm_operator.sync import sync

CLUSTER = "chat-abcde"
WARM = Probed(CLUSTER, served=True)
WARMING = Probed(CLUSTER, served=False, warming=True)
LOST = Probed(CLUSTER, served=False, error="connection refused")
OLD = Probed("chat-older", served=True)


def pod(kind: str = "head", **status: Any) -> dict[str, Any]:
    """A Ray pod of the active cluster, running and ready."""
    labels = {"ray.io/cluster": CLUSTER, "ray.io/node-type": kind, "llm-operator.io/deployment": "chat"}
    good = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    metadata = {"name": f"{CLUSTER}-{kind}", "namespace": "llm", "uid": f"u-{kind}", "labels": labels}
    return {"metadata": metadata, "status": {**good, **status}}


def worker(**status: Any) -> dict[str, Any]:
    made = pod("worker", **status)
    made["metadata"]["labels"]["llm-operator.io/model"] = "chat"
    return made


def going(made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "metadata": {**made["metadata"], "deletionTimestamp": NOW}}


PODS = (pod(), worker())


class World:
    """One LLMDeployment over time: every step is one look, which writes its status."""

    def __init__(self, **fields: Any) -> None:
        self.parent = llm("chat").model(**fields).object()
        wanted = sync(Scope(parent=self.parent, now=NOW)).apply
        assert wanted is not None
        self.live = applied(wanted)
        self.status: dict[str, Any] = {}
        self.outcome: Outcome | None = None

    def look(self, state: str = "RUNNING/HEALTHY", *, probes: Any = None, pods: Any = PODS, **scope: Any) -> World:
        """`state` "" is what KubeRay says of applications when it cannot ask."""
        app, _, engine = state.partition("/")
        child = serving(self.live, *(["chat"] if state else []), state=app, engine=engine or "HEALTHY")
        child["status"]["conditions"][0]["status"] = "True"
        parent = {**self.parent, "status": self.status}
        self.outcome = sync(Scope(parent=parent, now=NOW, child=child, pods=pods, probes=probes, **scope))
        self.status = self.outcome.status
        return self

    def condition(self, kind: str) -> tuple[str, str]:
        (found,) = [each for each in self.status["conditions"] if each["type"] == kind]
        return found["status"], found["reason"]

    @property
    def ready(self) -> tuple[str, str]:
        return self.condition("Ready")

    @property
    def model(self) -> dict[str, Any]:
        return dict(self.status["models"][0])

    @property
    def targets(self) -> tuple[Target, ...]:
        assert self.outcome is not None
        assert self.outcome.probing is not None
        return self.outcome.probing.targets


def served(**fields: Any) -> World:
    return World(**fields).look(probes={}).look(probes={"chat": WARM})


def test_without_a_prober_serves_words_stand() -> None:
    assert World().look().ready == ("True", "Serving")


def test_ready_only_after_the_first_answer() -> None:
    world = World().look(probes={})
    assert (world.ready, world.model["ready"]) == (("False", "WarmingUp"), "False")
    assert [(target.name, target.cluster, target.known) for target in world.targets] == [("chat", CLUSTER, False)]
    assert world.look(probes={"chat": WARMING}).ready == ("False", "WarmingUp")
    assert world.look(probes={"chat": OLD}).ready == ("False", "WarmingUp")
    assert world.look(probes={"chat": WARM}).ready == ("True", "Serving")
    assert world.look(probes={"chat": WARM}).targets[0].known


def test_an_answer_does_not_make_ready_what_serve_has_not_deployed() -> None:
    world = World().look("DEPLOYING/UPDATING", probes={})
    assert world.targets == ()
    assert world.look("DEPLOYING/UPDATING", probes={"chat": WARM}).ready == ("False", "Deploying")


def test_a_lost_engine() -> None:
    world = served().look(probes={"chat": LOST})
    assert (world.ready, world.model["message"]) == (("False", "NotAnswering"), "does not answer: connection refused")
    assert world.condition("Progressing") == ("True", "NotAnswering")
    assert world.look("DEPLOYING/UPDATING", probes={"chat": LOST}).ready == ("False", "NotAnswering")
    assert world.look("DEPLOYING/UPDATING", probes={}).ready == ("False", "Deploying")


@pytest.mark.parametrize("state", ["", "DEPLOYING/UPDATING", "UNHEALTHY/UNHEALTHY"])
def test_what_answers_stays_ready_whatever_is_said(state: str) -> None:
    """KubeRay blanks applications during an upgrade and while the head restarts; Serve says DEPLOYING during any change."""
    world = served().look(state, probes={"chat": WARM})
    assert world.ready == ("True", "Serving")
    assert world.targets
    if state == "":
        assert world.model["state"] == "RUNNING/HEALTHY"
    if state.startswith("DEPLOYING"):
        assert world.condition("Progressing") == ("True", "Deploying")
    if state.startswith("UNHEALTHY"):
        assert world.condition("Degraded") == ("True", "Unhealthy")


def test_a_restarted_operator_keeps_its_word_until_the_first_answer() -> None:
    world = served().look(probes={})
    assert world.ready == ("True", "Serving")
    assert world.look("", probes={}).ready == ("True", "Serving")
    assert world.look(probes={"chat": LOST}).ready == ("False", "NotAnswering")
    assert world.look(probes={}).ready == ("False", "WarmingUp")


def test_nothing_is_written_again_for_the_same_answers() -> None:
    world = served()
    before = world.status
    assert world.look(probes={"chat": WARM}).status == before


GONE, GOING, RESTARTS = (
    (worker(),),
    (going(pod()), worker()),
    (pod(containerStatuses=[{"name": "ray-head", "state": {"waiting": {}}}]), worker()),
)
NOT_READY = (pod(conditions=[{"type": "Ready", "status": "False"}]), worker())
ENDED = (pod(phase="Failed"), worker())


@pytest.mark.parametrize("pods", [GONE, GOING, RESTARTS, ENDED], ids=["gone", "deleted", "restarts", "ended"])
@pytest.mark.parametrize("probes", [None, {"chat": WARM}])
def test_a_lost_head_at_once(pods: tuple[Object, ...], probes: Any) -> None:
    """KubeRay and the last answers still say that all is well."""
    world = World().look(probes=None if probes is None else {}).look(probes=probes)
    assert world.ready == ("True", "Serving")
    world.look(probes=probes, pods=pods)
    assert (world.ready, world.condition("Degraded")) == (("False", "HeadLost"), ("True", "HeadLost"))
    assert world.targets == (), "the next answer must be a first one"


def test_back_after_a_lost_head_only_with_an_answer() -> None:
    """KubeRay's Ready was back 74 s before the first answer."""
    world = served().look(probes={"chat": WARM}, pods=GONE).look("", probes={}, pods=NOT_READY)
    assert world.ready == ("False", "HeadLost")
    assert world.look("DEPLOYING/UPDATING", probes={}).ready == ("False", "Deploying")
    assert world.look(probes={}).ready == ("False", "WarmingUp")
    assert world.look(probes={"chat": WARM}).ready == ("True", "Serving")


def test_with_fault_tolerance_answers_decide() -> None:
    cluster = {"metadata": {"name": CLUSTER}, "spec": {"gcsFaultToleranceOptions": {"redisAddress": "redis:6379"}}}
    world = served().look("", probes={"chat": WARM}, pods=GONE, clusters=(cluster,))
    assert (world.ready, world.condition("Degraded")) == (("True", "Serving"), ("True", "HeadRecovering"))
    world.look("", probes={"chat": LOST}, pods=GONE, clusters=(cluster,))
    assert world.ready == ("False", "HeadLost")


def test_a_head_that_fails_its_probes_is_lost_only_if_nothing_answers() -> None:
    world = served().look(probes={"chat": WARM}, pods=NOT_READY)
    assert (world.ready, world.condition("Degraded")) == (("True", "Serving"), ("True", "HeadRecovering"))
    assert world.look(probes={"chat": LOST}, pods=NOT_READY).ready == ("False", "HeadLost")
    assert World().look(pods=NOT_READY).ready == ("False", "HeadLost")


def test_no_pod_seen_says_nothing_of_the_head() -> None:
    assert World().look(pods=()).ready == ("True", "Serving")


def test_scaled_to_zero_is_no_failure() -> None:
    world = World(scaling={"minReplicas": 0, "maxReplicas": 2}).look(probes={}, pods=(pod(),))
    (target,) = world.targets
    assert (target.warm, target.check.lists) == (None, "/")
    world.look(probes={"chat": WARM}, pods=(pod(),))
    assert (world.ready, world.condition("Degraded")) == (("True", "ScaledToZero"), ("False", "AsExpected"))
    assert "next request" in world.model["message"]
    assert world.look(probes={"chat": WARM}).ready == ("True", "Serving")
    assert world.look(probes={"chat": WARM}, pods=(pod(), going(worker()))).ready == ("True", "ScaledToZero")
    assert world.look(probes={"chat": LOST}, pods=(pod(),)).ready == ("False", "NotAnswering")


def test_a_broken_spec_changes_no_question() -> None:
    world = served()
    world.parent = {**world.parent, "spec": {"models": []}}
    assert world.look(probes={"chat": LOST}).ready[0] == "False"
    assert world.outcome is not None
    assert world.outcome.probing is None
    assert world.model["ready"] == "False"


def test_nothing_is_asked_of_what_is_suspended() -> None:
    world = served()
    world.parent = {**world.parent, "spec": {**world.parent["spec"], "suspend": True}}
    assert world.look(probes={"chat": WARM}).ready == ("False", "Suspended")
    assert world.targets == ()


def test_another_cluster_must_answer_too() -> None:
    """An upgrade has switched: the Service leads to an engine that nobody has asked yet."""
    world = served()
    world.live = {**world.live, "metadata": {**world.live["metadata"], "name": "chat"}}
    child = serving(world.live, "chat")
    child["status"]["activeServiceStatus"]["rayClusterName"] = "chat-newer"
    scope = Scope(parent={**world.parent, "status": world.status}, now=NOW, child=child, probes={"chat": WARM})
    said = sync(scope).status
    assert (said["models"][0]["ready"], said["conditions"][0]["reason"]) == ("False", "WarmingUp")
    newer = replace(scope, probes={"chat": Probed("chat-newer", served=True)})
    assert sync(newer).status["conditions"][0]["reason"] == "Serving"
