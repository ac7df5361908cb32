"""What a change of each field costs, measured with Ray's and KubeRay's own functions, is what the API reference says."""

from __future__ import annotations

import copy
import json
from typing import Any, Final

import pytest
from golden.case import NOW, UID, stored
from golden.edits import ABSENT, Edit, around, base, leaves, spec_with, values
from golden.test_restarts import cluster_hash, versions
from llm_operator.api.costs import costs
from llm_operator.api.crd import Schema, spec_schema
from llm_operator.api.names import ROLLOUT_ANNOTATION
from llm_operator.api.spec.scalars import Cost
from llm_operator.outcome import Outcome
from llm_operator.plan.inputs import Policy, Scope
from llm_operator.stages.intent import intent
from llm_operator.sync import sync

M: Final = "spec.models[]"
APP: Final = "spec.applications[]"
POLICY: Final = Policy(allow_host_path=True, application_import_paths=("shop",), gateway_classes=("istio", "envoy"))
LEAVES: Final = leaves()
# No value of these is right: the field belongs to models, or to a whole model.
NEVER_RIGHT: Final = {
    *(f"spec.applications[].workers.accelerators[].{name}" for name in ("share", "maxReplicas", "topology")),
    *(
        f"{M}.disaggregation.{half}.{name}"
        for half in ("prefill", "decode")
        for name in ("accelerators[].share", "accelerators[].maxReplicas", "accelerators[].topology", "parallelism.pipeline")
    ),
}  # fmt: skip
ONLY_A_NAME: Final = {
    # Shown in no status, but for a whole model's window.
    *(f"{M}.disaggregation.{half}.scaling.schedules[].name" for half in ("prefill", "decode")),
    f"{APP}.deployments[].scaling.schedules[].name",
    # Another name is another deployment: see SECOND.
    f"{APP}.deployments[].name",
}
# What the operator does, not what is rendered: test_switches, tests/golden/test_rollouts.py.
SWITCHES: Final = {
    "spec.paused",
    "spec.suspend",
    *(
        f"spec.rollout.{name}"
        for name in ("strategy", "progressDeadlineSeconds", "autoRollback", "revisionHistoryLimit")
    ),
}


def _look(spec: dict[str, Any], child: dict[str, Any] | None) -> Outcome:
    metadata = {"name": "chat", "namespace": "llm", "uid": UID, "generation": 1}
    parent = {"apiVersion": "llm-operator.io/v1alpha1", "kind": "LLMDeployment", "metadata": metadata, "spec": spec}
    outcome = sync(Scope(parent=parent, now=NOW, child=child, policy=POLICY))
    (accepted,) = [entry for entry in outcome.status["conditions"] if entry["type"] == "Accepted"]
    assert accepted["status"] == "True", accepted["message"]
    return outcome


def _options(rayservice: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Overrides that restart the replicas of one deployment (Ray 2.60.0, serve/_private/version.py)."""
    config = json.loads(rayservice["spec"]["serveConfigV2"])
    return {
        (application["name"], override["name"]): override.get("ray_actor_options")
        for application in config["applications"]
        for override in application["deployments"]
    }


def _due(spec: dict[str, Any]) -> float | None:
    """When a schedule changes the numbers next."""
    metadata = {"name": "chat", "namespace": "llm", "uid": UID, "generation": 1}
    plan = intent(Scope(parent={"metadata": metadata, "spec": spec}, now=NOW, policy=POLICY)).plan
    assert plan is not None
    return plan.next_change


def measured(edit: Edit) -> Cost | None:
    """None: nothing at all changes, not even the number of replicas later on."""
    first = _look(spec_with(edit, edit.before), None)
    assert first.apply is not None
    live = stored(first.apply, None, [])
    second = _look(spec_with(edit, edit.after), copy.deepcopy(live))
    now = _look(spec_with(edit, edit.before), copy.deepcopy(live))
    if second.apply is None:
        seen = [
            (_due(spec_with(edit, value)), outcome.status["models"], outcome.objects, outcome.probing)
            for value, outcome in ((edit.before, now), (edit.after, second))
        ]
        return Cost.NOTHING if seen[0] != seen[1] else None
    groups = len(live["spec"]["rayClusterConfig"]["workerGroupSpecs"])
    old, new = versions(live), versions(second.apply)
    _unforced(second.apply)
    if cluster_hash(live, groups) != cluster_hash(second.apply, groups):
        return Cost.CLUSTER
    if old.keys() != new.keys():
        return Cost.CREATES
    before, after = _options(live), _options(second.apply)
    if old != new or any(before[name] != after[name] for name in before.keys() & after.keys()):
        return Cost.REPLICAS
    if _next(live, second.apply):
        return Cost.NEXT_CLUSTER
    return Cost.NOTHING


def _unforced(rayservice: dict[str, Any]) -> None:
    """Without the new Ray cluster that strategy Auto makes of a restart of the only replica."""
    metadata = rayservice["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["metadata"]
    if metadata.get("annotations", {}).pop(ROLLOUT_ANNOTATION, None) and not metadata["annotations"]:
        del metadata["annotations"]


def _next(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether only a new Ray cluster takes it over: tolerations, and labels that KubeRay copies when it makes one."""
    tolerations = [
        {
            group["groupName"]: group["template"]["spec"].get("tolerations")
            for group in rayservice["spec"]["rayClusterConfig"]["workerGroupSpecs"]
        }
        for rayservice in (before, after)
    ]
    edited = any(tolerations[0][name] != tolerations[1][name] for name in tolerations[0].keys() & tolerations[1].keys())
    return edited or before["metadata"]["labels"] != after["metadata"]["labels"]


def _edits() -> list[Edit]:
    """Every field: from one value to another."""
    skipped = NEVER_RIGHT | SWITCHES | ONLY_A_NAME
    return [Edit(path, *values(path, schema)) for path, schema in LEAVES.items() if path not in skipped]


@pytest.mark.parametrize("edit", [pytest.param(edit, id=str(edit)) for edit in _edits()])
def test_as_declared(edit: Edit) -> None:
    assert measured(edit) == costs()[edit.path]


def test_every_field_has_a_cost() -> None:
    assert {path for path, cost in costs().items() if cost is None} == set()
    assert NEVER_RIGHT | SWITCHES | ONLY_A_NAME <= LEAVES.keys() <= costs().keys()
    assert len(_edits()) > 250


@pytest.mark.parametrize("path", sorted(ONLY_A_NAME - {f"{APP}.deployments[].name"}))
def test_names_of_windows_change_nothing(path: str) -> None:
    assert measured(Edit(path, *values(path, LEAVES[path]))) is None


APPLICATION: Final = around(APP)
_MORE: Final = {"name": "m2", "source": {"uri": "hf://a/b"}, "accelerators": [{"type": "L4"}]}
_ADAPTER: Final = {"name": "x", "aliases": ["y"]}
_CLASSIC: Final = {"spec.performance.profile": "Classic"}
_FROM_THE_BUCKET: Final = {f"{M}.source.uri": "s3://bucket/model"}
_MODELS: Final = base()["models"]
# What comes or goes, and changes whose cost is not the declared one: then the description says so.
SECOND: Final[list[tuple[Edit, Cost]]] = [
    (Edit(f"{M}.aliases[]", ABSENT, ["a"], said="going from none to some restarts the model"), Cost.REPLICAS),
    (Edit(f"{M}.lora", ABSENT, {"root": "s3://b/l"}, said="the first one brings up a new Ray cluster"), Cost.CLUSTER),
    (Edit(f"{M}.lora", ABSENT, {"root": "s3://b/l"}, _CLASSIC), Cost.REPLICAS),
    (Edit(f"{M}.lora.adapters[]", ABSENT, [_ADAPTER], said="is a new Ray cluster"), Cost.CLUSTER),
    (Edit(f"{M}.lora.adapters[]", ABSENT, [_ADAPTER], _CLASSIC, "with profile Classic it restarts the model"), Cost.REPLICAS),
    (Edit(f"{M}.source.uri", "pvc://a/x", "pvc://a/y"), Cost.REPLICAS),
    (Edit(f"{M}.source.uri", "pvc://a/x", "pvc://b/x", said="another claim is a new Ray cluster"), Cost.CLUSTER),
    (Edit(f"{M}.source.uri", "hf://a/x", "s3://b/x"), Cost.REPLICAS),
    (Edit(f"{M}.source.streaming", ABSENT, {}, _FROM_THE_BUCKET), Cost.REPLICAS),
    (Edit(f"{M}.source.s3", ABSENT, {"region": "r"}, _FROM_THE_BUCKET), Cost.CLUSTER),
    (Edit(f"{M}.ingress", ABSENT, {}), Cost.CLUSTER),
    (Edit(f"{M}.ingress", ABSENT, {"minReplicas": 2}, _CLASSIC, "The fast path has none"), Cost.NOTHING),
    (Edit(f"{M}.engine.chatTemplate.configMapKeyRef", ABSENT, {"name": "a", "key": "k"}), Cost.CLUSTER),
    (Edit(f"{M}.engine.speculative", ABSENT, {"method": "ngram", "tokens": 2}), Cost.REPLICAS),
    (Edit(f"{M}.kvCache.offload", ABSENT, {"memory": "2Gi"}), Cost.REPLICAS),
    (Edit(f"{M}.cache.weights", ABSENT, {"emptyDir": {}}), Cost.CLUSTER),
    (Edit(f"{M}.resources.rdma", ABSENT, {"resourceName": "rdma/ib"}), Cost.CLUSTER),
    (Edit(f"{M}.accelerators[].maxReplicas", ABSENT, 8), Cost.NOTHING),
    (Edit(f"{M}.routing.strategy", "RoundRobin", "Session"), Cost.REPLICAS),
    (Edit(f"{M}.routing.strategy", "RoundRobin", "PrefixCacheAffinity", said="switch the fast path off"), Cost.CLUSTER),
    (Edit(f"{M}.routing.strategy", "PowerOfTwo", "Session", _CLASSIC), Cost.REPLICAS),
    (Edit(f"{M}.scaling.minReplicas", 1, 0), Cost.NOTHING),
    (Edit(f"{M}.scaling.minReplicas", 1, 0, _CLASSIC, "to or from 0 restarts the replicas"), Cost.REPLICAS),
    (Edit(f"{M}.disaggregation", ABSENT, {}), Cost.REPLICAS),
    (Edit("spec.scheduling.queueName", ABSENT, "a", said="is a new Ray cluster"), Cost.CLUSTER),
    (Edit("spec.scheduling.topologySpread[]", ABSENT, [{"topologyKey": "zone"}]), Cost.CLUSTER),
    (Edit("spec.models[]", _MODELS, [*_MODELS, _MORE]), Cost.CREATES),
    (
        Edit("spec.models[]", _MODELS, [*_MODELS, {**_MORE, "lora": {"root": "s3://b/l"}}], said="that is a new Ray cluster"),
        Cost.CLUSTER,
    ),
    (Edit(f"{APP}", ABSENT, APPLICATION[APP]), Cost.CREATES),
    (Edit(f"{APP}.deployments[]", [{"name": "Main"}], [{"name": "Main"}, {"name": "Other"}], said="Adding or removing one restarts"),
     Cost.REPLICAS),
    (Edit(f"{APP}.deployments[].scaling", ABSENT, {"minReplicas": 0}), Cost.NOTHING),
    (Edit(f"{APP}.deployments[].userConfig", ABSENT, {"a": 1}), Cost.NOTHING),
]  # fmt: skip


def _described(path: str) -> str:
    """Descriptions of the field and of what it holds."""
    node: Schema = spec_schema()
    for part in path.split(".")[1:]:
        node = (node.get("items", node))["properties"][part.removesuffix("[]")]
    return f"{node.get('description', '')} {node.get('items', {}).get('description', '')}"


@pytest.mark.parametrize(("edit", "cost"), [pytest.param(*row, id=str(row[0])[:80]) for row in SECOND])
def test_what_depends(edit: Edit, cost: Cost) -> None:
    assert measured(edit) == cost
    assert edit.said in _described(edit.path)
    cheaper_or_declared = [Cost.NOTHING, Cost.NEXT_CLUSTER, Cost.REPLICAS, Cost.CREATES, Cost.CLUSTER]
    declared = costs()[edit.path]
    assert declared is not None
    assert edit.said or cheaper_or_declared.index(cost) <= cheaper_or_declared.index(declared), (
        "dearer: the description must say it"
    )


def test_switches() -> None:
    """Paused: nothing is written. Suspended: nothing is left."""
    spec = base()
    first = _look(spec, None)
    assert first.apply is not None
    live = stored(first.apply, None, [])
    paused, suspended = _look({**spec, "paused": True}, live), _look({**spec, "suspend": True}, live)
    assert (paused.apply, paused.delete_child) == (None, False)
    assert costs()["spec.paused"] == Cost.NOTHING
    assert (suspended.apply, suspended.delete_child) == (None, True)
    assert costs()["spec.suspend"] == Cost.CLUSTER
