"""The head takes requests from the start of a switch until a worker of the new Ray cluster can."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from builders import LLM, NOW, applied, llm, serving
from llm_operator.api.change_class import ChangeClass
from llm_operator.api.way import Way
from llm_operator.change.classify import classify
from llm_operator.plan.inputs import Scope
from llm_operator.render.sticky import sticky_of
from llm_operator.rollout.clock import later
from llm_operator.rollout.switch import AT_ONCE_SECONDS, begun, kept, release_in
from llm_operator.status.observed import observe
from llm_operator.sync import sync

BEFORE = llm("a").with_("spec.ray", {"image": "img:1"})
CHANGE = {"class": "NewCluster", "strategy": "BlueGreen", "generation": 1, "startedAt": NOW}
FINISHED = {**CHANGE, "finishedAt": NOW}


def _applied(scope: Scope) -> dict[str, Any]:
    made = sync(scope).apply
    assert made is not None
    return made


def _excluded(rayservice: dict[str, Any]) -> bool:
    return bool(rayservice["spec"]["excludeHeadPodFromServeSvc"])


def _scope(after: LLM, **spec: Any) -> Scope:
    """An edit while the first spec serves. `spec`: of the live RayService."""
    live = serving(applied(_applied(Scope(parent=BEFORE.object(), now=NOW))), "a")
    live["spec"] |= spec
    cluster = {"metadata": {"name": live["status"]["activeServiceStatus"]["rayClusterName"]}}
    clusters = ({**cluster, "spec": live["spec"]["rayClusterConfig"]},)
    return Scope(parent=after.with_("metadata.generation", 2).object(), now=NOW, child=live, clusters=clusters)


@pytest.mark.parametrize(
    ("after", "excluded"),
    [
        pytest.param(BEFORE.with_("spec.ray", {"image": "img:2"}), False, id="new cluster"),
        pytest.param(BEFORE.model(health={"gracefulShutdownSeconds": 60}), True, id="in place"),
        pytest.param(
            BEFORE.model(engine={"contextLength": 4096}).with_("spec.rollout", {"strategy": "InPlace"}),
            False,
            id="restart",
        ),
        pytest.param(BEFORE.scaling(minReplicas=0, maxReplicas=1), False, id="nobody else may be there"),
    ],
)
def test_an_edit(after: LLM, excluded: bool) -> None:
    assert _excluded(_applied(_scope(after))) is excluded


def test_not_at_the_first_start() -> None:
    assert _excluded(_applied(Scope(parent=BEFORE.object(), now=NOW)))


@pytest.mark.parametrize("way", list(Way))
def test_only_where_one_takes_over_from_another_at_once(way: Way) -> None:
    scope = _scope(BEFORE.with_("spec.ray", {"image": "img:2"}))
    wanted = _applied(replace(scope, child=None))
    change = classify(scope.child, wanted)
    assert _excluded(begun(scope, wanted, change, way)) is (way is not Way.NEW_CLUSTER)
    restart = replace(change, change_class=ChangeClass.REPLICA_RESTART)
    assert _excluded(begun(scope, wanted, restart, way)) is (way not in (Way.NEW_CLUSTER, Way.IN_PLACE))


def test_not_where_a_hand_edit_is_put_back() -> None:
    scope = _scope(BEFORE)
    live = copy.deepcopy(dict(scope.child or {}))
    live["spec"]["rayClusterConfig"]["rayVersion"] = "1.0"
    live["metadata"]["generation"] = 7
    assert _excluded(_applied(replace(scope, child=live)))


@pytest.mark.parametrize(
    ("change", "pending", "settled", "endpoints", "serves"),
    [
        pytest.param(FINISHED, "", True, 2, False, id="over"),
        pytest.param(
            {},
            "",
            True,
            2,
            True,
            id="the status is lost: the RayService has a record of the change, and none of its end",
        ),
        pytest.param(FINISHED, "", True, 1, True, id="only the head is an endpoint"),
        pytest.param(FINISHED, "", False, 3, True, id="KubeRay has not seen the change"),
        pytest.param(CHANGE, "", True, 3, True, id="the change goes on"),
        pytest.param(FINISHED, "a-fghij", True, 3, True, id="another one is being prepared"),
    ],
)
def test_until(change: dict[str, Any], pending: str, settled: bool, endpoints: int, serves: bool) -> None:
    scope = _scope(BEFORE, excludeHeadPodFromServeSvc=False)
    scope = replace(scope, parent={**scope.parent, "status": {"lastChange": change}})
    child = copy.deepcopy(dict(scope.child or {}))
    child["status"] |= {"numServeEndpoints": endpoints, "pendingServiceStatus": {"rayClusterName": pending}}
    child["status"]["observedGeneration"] = child["metadata"]["generation"] - (not settled)
    live = sticky_of(child)
    assert live.head_serves
    assert kept(scope, live, live, observe(child)).head_serves is serves
    assert not kept(scope, live, replace(live, head_serves=False), observe(child)).head_serves


@pytest.mark.parametrize(
    ("change", "endpoints", "now", "seconds"),
    [
        pytest.param(FINISHED, 2, NOW, AT_ONCE_SECONDS, id="a worker is an endpoint"),
        pytest.param(FINISHED, 1, NOW, 30, id="none is yet"),
        pytest.param(FINISHED, 1, later(NOW, 29), 1, id="none is for long"),
        pytest.param(FINISHED, 1, later(NOW, 30), None, id="none will be"),
        pytest.param(FINISHED, 2, later(NOW, 30), AT_ONCE_SECONDS, id="one is at last"),
        pytest.param(CHANGE, 2, NOW, None, id="the change goes on"),
        pytest.param({**FINISHED, "finishedAt": "soon"}, 1, NOW, None, id="a time that is none"),
    ],
)
def test_the_head_is_about_to_be_released(
    change: dict[str, Any], endpoints: int, now: str, seconds: float | None
) -> None:
    scope = replace(_scope(BEFORE, excludeHeadPodFromServeSvc=False), now=now)
    child = copy.deepcopy(dict(scope.child or {}))
    child["status"]["numServeEndpoints"] = endpoints
    scope = replace(scope, child=child)
    assert release_in(scope, sticky_of(child), change) == seconds
    assert release_in(scope, replace(sticky_of(child), head_serves=False), change) is None


@pytest.mark.parametrize(
    ("after", "says"),
    [
        pytest.param(BEFORE, "True", id="as it is"),
        pytest.param(BEFORE.with_("spec.paused", True), "False", id="paused: it is not released"),
        pytest.param(BEFORE.scaling(minReplicas=0, maxReplicas=1), "True", id="another change is due"),
    ],
)
def test_progress_ends_when_the_head_is_released(after: LLM, says: str) -> None:
    scope = _scope(after, excludeHeadPodFromServeSvc=False)
    parent = {**scope.parent, "status": {**scope.parent.get("status", {}), "lastChange": FINISHED}}
    conditions = sync(replace(scope, parent=parent)).status["conditions"]
    assert next(each["status"] for each in conditions if each["type"] == "Progressing") == says
