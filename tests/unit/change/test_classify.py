"""What the classifier says beside the class: who is interrupted, what is needed on top, what waits, and the sentence."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from builders import LLM, NOW, applied, llm, serving
from llm_operator.api.change_class import ChangeClass, dearest
from llm_operator.change.classify import classify
from llm_operator.change.cluster import OTHERS
from llm_operator.change.estimate import estimate
from llm_operator.change.model import Change, Demand
from llm_operator.change.words import causes, sentence
from llm_operator.plan.inputs import Policy, Scope
from llm_operator.sync import sync

Object = dict[str, Any]
POLICY = Policy(application_import_paths=("shop",))
APP = {"name": "shop", "importPath": "shop:build", "deployments": [{"name": "Main"}, {"name": "Rank"}]}


def rendered(made: LLM, live: Object | None = None) -> Object:
    """As it would be applied over `live`; never because of a strategy."""
    parent = made.with_("spec.rollout", {"strategy": "InPlace"}).object()
    child = None if live is None else copy.deepcopy(live)
    outcome = sync(Scope(parent=parent, now=NOW, child=child, policy=POLICY))
    assert outcome.apply is not None, outcome.status["conditions"]
    return outcome.apply


def running(made: LLM) -> Object:
    return applied(rendered(made))


def change(before: LLM, after: LLM) -> Change:
    """Of the Serve part and of pods in place; for what the strategy holds back use `edited`."""
    live = running(before)
    return classify(live, rendered(after, live))


def edited(live: Object, path: str, value: Any) -> Object:
    """The object with one place set: `spec.rayClusterConfig.workerGroupSpecs.0.template.spec.tolerations`."""
    made: Any = copy.deepcopy(live)
    node = made
    *parents, last = path.split(".")
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[last] = value
    return dict(made)


CLUSTER = "spec.rayClusterConfig"
GROUP = f"{CLUSTER}.workerGroupSpecs.0"
HEAD = f"{CLUSTER}.headGroupSpec.template.spec"


def with_app(**deployment: Any) -> LLM:
    made = {**APP, "deployments": [{"name": "Main", **deployment}, {"name": "Rank"}]}
    return llm("a").with_("spec.applications", [made]).with_("spec.ray", {"image": "img:1"})


def only(found: Change, name: str) -> Any:
    (one,) = [each for each in found.applications if each.name == name]
    return one


def test_nothing() -> None:
    live = running(llm("a"))
    found = classify(live, live)
    assert (found.change_class, found.demand, sentence(found)) == (ChangeClass.NONE, Demand(), "nothing changes")
    assert only(found, "a").change_class is ChangeClass.NONE


def test_first_start() -> None:
    found = classify(None, rendered(llm("a").gpu("H100", 2).model(parallelism={"tensor": 2}).add_model("b")))
    assert (found.change_class, found.created, found.added) == (ChangeClass.NEW_CLUSTER, True, ("a", "b"))
    assert (found.applications, found.removed, found.cluster_paths) == ((), (), ())
    assert str(found.demand) == "3 pods, 2xH100,1xL4"
    assert sentence(found) == "first start of a, b: 3 pods, 2xH100,1xL4"


def test_restart_of_the_only_replica_interrupts() -> None:
    found = change(llm("a").add_model("b"), llm("a").add_model("b").model(engine={"contextLength": 4096}))
    assert found.change_class is ChangeClass.REPLICA_RESTART
    one = only(found, "a")
    assert (one.is_model, one.restarted, one.replicas, one.interrupted) == (True, ("LLMServer:a",), 1, True)
    assert one.paths == ("serveConfigV2.applications[a].args.llm_configs[0].engine_kwargs.max_model_len",)
    assert only(found, "b").change_class is ChangeClass.NONE
    assert (found.restarted, found.interrupted, found.demand) == (("a",), ("a",), Demand())
    assert sentence(found) == (
        "replicas of a restart, a few at a time (applications[a].args.llm_configs[0].engine_kwargs.max_model_len); "
        "a may be without a replica meanwhile, so its requests wait"
    )


@pytest.mark.parametrize(("before", "after", "replicas"), [(2, 2, 2), (1, 3, 1), (3, 1, 1), (0, 0, 0), (5, 3, 3)])
def test_the_fewest_replicas_before_and_after_count(before: int, after: int, replicas: int) -> None:
    scaled = llm("a").scaling(minReplicas=before, maxReplicas=9)
    found = change(scaled, llm("a").scaling(minReplicas=after, maxReplicas=9).model(engine={"contextLength": 4096}))
    assert only(found, "a").replicas == replicas
    assert found.interrupted == (("a",) if replicas < 2 else ())


def test_the_ingress_restarts_with_its_model() -> None:
    classic = llm("a").with_("spec.performance", {"profile": "Classic"}).scaling(minReplicas=3, maxReplicas=3)
    found = only(change(classic, classic.model(engine={"contextLength": 4096})), "a")
    assert found.restarted == ("LLMServer:a", "OpenAiIngress")
    assert (found.replicas, found.interrupted) == (1, True)
    many = classic.model(ingress={"minReplicas": 2, "maxReplicas": 2})
    assert not only(change(many, many.model(engine={"contextLength": 4096})), "a").interrupted


def test_data_parallel_engines_restart_in_sets() -> None:
    wide = llm("a").gpu("H100", 2).model(parallelism={"data": 2}).scaling(minReplicas=1, maxReplicas=4)
    found = only(change(wide, wide.model(engine={"contextLength": 4096})), "a")
    assert (found.replicas, found.interrupted) == (1, True)


def test_options_of_one_deployment_restart_that_one() -> None:
    found = change(with_app(actor={"cpu": 1}), with_app(actor={"cpu": 2}, scaling={"minReplicas": 1}))
    one = only(found, "shop")
    assert (one.change_class, one.is_model, one.restarted) == (ChangeClass.REPLICA_RESTART, False, ("Main",))
    assert one.paths == ("serveConfigV2.applications[shop].deployments[Main].ray_actor_options.num_cpus",)


def test_one_more_deployment_restarts_all_of_an_application() -> None:
    live = running(with_app())
    config = json.loads(live["spec"]["serveConfigV2"])
    config["applications"][1]["deployments"].append({"name": "More", "autoscaling_config": {"min_replicas": 4}})
    one = only(classify(live, edited(live, "spec.serveConfigV2", json.dumps(config))), "shop")
    assert one.restarted == ("Main", "Rank", "More")
    assert one.paths == ("serveConfigV2.applications[shop].deployments: autoscaling_config.policy of each",)


def test_settings_in_place() -> None:
    found = change(with_app(userConfig={"a": 1}), with_app(userConfig={"a": 2}))
    one = only(found, "shop")
    assert (found.change_class, one.change_class, one.restarted) == (ChangeClass.IN_PLACE, ChangeClass.IN_PLACE, ())
    assert one.paths == ("serveConfigV2.applications[shop].deployments[Main].user_config.a",)
    assert sentence(found) == "numbers of shop are set in place; no replica restarts"


def test_models_come_and_go() -> None:
    found = change(llm("a").add_model("b"), llm("a").add_model("c"))
    assert (found.change_class, found.added, found.removed) == (ChangeClass.IN_PLACE, ("c",), ("b",))
    assert found.demand == Demand(1, (("L4", 1),))  # what b frees is another group's
    assert "rayClusterConfig.workerGroupSpecs[c]" in found.service_paths
    assert sentence(found) == "starts c; stops b; no replica restarts; needs 1 pod, 1xL4 more"


def test_more_replicas_need_more_pods() -> None:
    found = change(llm("a").scaling(minReplicas=1), llm("a").scaling(minReplicas=4, maxReplicas=8))
    assert (found.change_class, found.demand) == (ChangeClass.IN_PLACE, Demand(3, (("L4", 3),)))
    assert {path.rpartition(".")[2] for path in found.service_paths} == {"minReplicas", "maxReplicas"}
    less = change(llm("a").scaling(minReplicas=4), llm("a").scaling(minReplicas=1))
    assert less.demand == Demand()


def test_pods_of_several_hosts_count_as_they_are() -> None:
    wide = llm("a").gpu("H100", 8).model(parallelism={"tensor": 8, "pipeline": 2})
    assert classify(None, rendered(wide)).demand == Demand(3, (("H100", 16),))


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        (f"{GROUP}.template.spec.containers.0.image", "other:1",
         "rayClusterConfig.workerGroupSpecs[a].template.spec.containers[ray-worker].image"),
        (f"{HEAD}.containers.0.image", "other:1", "rayClusterConfig.headGroupSpec.template.spec.containers[ray-head].image"),
        (f"{GROUP}.groupName", "z", "rayClusterConfig.workerGroupSpecs[a]"),
        (f"{GROUP}.idleTimeoutSeconds", 7, "rayClusterConfig.workerGroupSpecs[a].idleTimeoutSeconds"),
        (f"{GROUP}.scaleStrategy", {"other": 1}, "rayClusterConfig.workerGroupSpecs[a].scaleStrategy.other"),
        (f"{CLUSTER}.rayVersion", "2.0.0", "rayClusterConfig.rayVersion"),
        (f"{CLUSTER}.enableInTreeAutoscaling", False, "rayClusterConfig.enableInTreeAutoscaling"),
        (f"{HEAD}.priorityClassName", "high", "rayClusterConfig.headGroupSpec.template.spec.priorityClassName"),
    ],
)  # fmt: skip
def test_what_needs_a_new_cluster(path: str, value: Any, shown: str) -> None:
    wanted = running(llm("a").add_model("b"))
    found = classify(edited(wanted, path, value), wanted)
    assert found.change_class is ChangeClass.NEW_CLUSTER
    assert shown in found.cluster_paths
    assert found.demand == Demand(3, (("L4", 2),))
    assert [each.change_class for each in found.applications] == [ChangeClass.NEW_CLUSTER] * 2
    assert (shown in only(found, "a").paths) == ("workerGroupSpecs[a]" in shown)
    assert only(found, "b").paths == ()


def test_groups_that_go_or_move_need_a_new_cluster() -> None:
    live = running(llm("a").add_model("b"))
    groups = live["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    for others in (groups[:1], groups[::-1]):
        found = classify(live, edited(live, f"{CLUSTER}.workerGroupSpecs", others))
        assert found.change_class is ChangeClass.NEW_CLUSTER


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{GROUP}.replicas", 5),
        (f"{GROUP}.scaleStrategy", {"workersToDelete": ["x"]}),
        (f"{CLUSTER}.upgradeStrategy", {"type": "None"}),
        (f"{CLUSTER}.headServiceAnnotations", {"a": "b"}),
        (f"{CLUSTER}.headGroupSpec.headService", {"spec": {}}),
        (f"{HEAD}.hostNetwork", True),
        ("metadata.labels.team", "x"),
        (f"{GROUP}.template.spec.nodeSelector", {}),
    ],
)
def test_what_is_no_change(path: str, value: Any) -> None:
    """The autoscaler's numbers, and what others set: an apply leaves it there."""
    wanted = rendered(llm("a"))
    assert classify(edited(applied(wanted), path, value), wanted).change_class is ChangeClass.NONE


def test_fields_of_others_do_not_survive_in_a_worker_group() -> None:
    wanted = running(llm("a"))
    found = classify(edited(wanted, f"{GROUP}.template.spec.hostNetwork", True), wanted)
    assert found.change_class is ChangeClass.NEW_CLUSTER


def test_quantities_are_compared_as_kuberay_spells_them() -> None:
    wanted = running(llm("a").model(resources={"memory": "32Gi", "cpu": "4"}))
    place = f"{GROUP}.template.spec.containers.0.resources.requests"
    same = {"cpu": "4000m", "memory": "32768Mi", "nvidia.com/gpu": 1}
    live = edited(wanted, place, {**same, "nvidia.com/gpu": "1"})
    assert classify(live, wanted).change_class is ChangeClass.NONE
    assert classify(edited(wanted, place, {**same, "cpu": "5"}), wanted).change_class is ChangeClass.NEW_CLUSTER
    shm = f"{GROUP}.template.spec.volumes"
    volumes = [{"name": "shared-mem", "emptyDir": {"medium": "Memory", "sizeLimit": "16384Mi"}}]
    assert classify(edited(wanted, shm, volumes), wanted).change_class is ChangeClass.NONE


def test_tolerations_and_labels_wait_for_the_next_cluster() -> None:
    wanted = running(llm("a"))
    live = edited(wanted, f"{GROUP}.template.spec.tolerations", [])
    live["metadata"]["labels"].pop("llm-operator.io/deployment")
    found = classify(live, wanted)
    assert found.change_class is ChangeClass.IN_PLACE
    assert found.deferred_paths == (
        "rayClusterConfig.workerGroupSpecs[a].template.spec.tolerations",
        "metadata.labels[llm-operator.io/deployment]",
    )
    assert sentence(found) == (
        "workerGroupSpecs[a].template.spec.tolerations, metadata.labels[llm-operator.io/deployment]: "
        "in force with the next new Ray cluster; no replica restarts"
    )
    gone = classify(edited(live, f"{CLUSTER}.rayVersion", "2.0.0"), wanted)
    assert (gone.change_class, gone.deferred_paths) == (ChangeClass.NEW_CLUSTER, ())


def test_texts_that_are_no_quantities_are_compared_as_texts() -> None:
    wanted = running(llm("a"))
    limit = f"{GROUP}.template.spec.containers.0.resources.limits.memory"
    found = classify(edited(wanted, limit, "much"), edited(wanted, limit, "more"))
    assert found.change_class is ChangeClass.NEW_CLUSTER
    assert classify(edited(wanted, limit, "2048Mi"), edited(wanted, limit, "2Gi")).change_class is ChangeClass.NONE


def test_the_services_own_fields_are_set_in_place() -> None:
    wanted = running(llm("a"))
    found = classify(edited(wanted, "spec.rayClusterDeletionDelaySeconds", 7), wanted)
    assert (found.change_class, found.service_paths) == (ChangeClass.IN_PLACE, ("rayClusterDeletionDelaySeconds",))
    assert sentence(found) == "set in place: rayClusterDeletionDelaySeconds; no replica restarts"


@pytest.mark.parametrize("text", ["{", "- 1", "applications: 5", "applications: [{}]", "", None, "a: b"])
def test_a_serve_configuration_that_nobody_can_read_never_reached_serve(text: Any) -> None:
    wanted = running(llm("a"))
    found = classify(edited(wanted, "spec.serveConfigV2", text), wanted)
    assert (found.change_class, found.restarted) == (ChangeClass.IN_PLACE, ())
    assert found.service_paths == ("serveConfigV2",)


def test_a_serve_configuration_in_yaml() -> None:
    wanted = running(llm("a"))
    config = json.loads(wanted["spec"]["serveConfigV2"])
    (model,) = config["applications"]
    text = f"applications:\n- {{name: a, import_path: '{model['import_path']}', args: {{llm_configs: [1]}}}}\n"
    found = classify(edited(wanted, "spec.serveConfigV2", text), wanted)
    assert only(found, "a").change_class is ChangeClass.REPLICA_RESTART


def test_serve_options_beside_the_applications() -> None:
    wanted = running(llm("a"))
    config = {**json.loads(wanted["spec"]["serveConfigV2"]), "proxy_location": "HeadOnly"}
    found = classify(edited(wanted, "spec.serveConfigV2", json.dumps(config)), wanted)
    assert (found.change_class, found.service_paths) == (ChangeClass.IN_PLACE, ("serveConfigV2.proxy_location",))


@pytest.mark.parametrize(
    "live", [{"metadata": {}}, {"metadata": {}, "spec": {}}, {"metadata": {}, "spec": {"rayClusterConfig": {}}}]
)
def test_total(live: Object) -> None:
    assert classify(live, rendered(llm("a"))).change_class is ChangeClass.NEW_CLUSTER


def test_a_cluster_that_is_only_forced_is_there_for_what_would_restart() -> None:
    before, after = llm("a"), llm("a").model(engine={"contextLength": 4096})
    live = running(before)
    outcome = sync(Scope(parent=after.object(), now=NOW, child=serving(live, "a")))
    assert outcome.apply is not None
    found = classify(live, outcome.apply)
    assert found.change_class is ChangeClass.NEW_CLUSTER
    assert causes(found) == ("applications[a].args.llm_configs[0].engine_kwargs.max_model_len",)


def test_fields_of_others_are_never_ours() -> None:
    """Else a change of ours would be taken for somebody else's."""
    text = json.dumps([rendered(llm("a")), rendered(with_app())])
    for name in OTHERS - {"labels", "resources"}:  # these two only as fields of the head group
        assert f'"{name}":' not in text, name
    for made in (llm("a"), with_app()):
        assert not {"labels", "resources"} & rendered(made)["spec"]["rayClusterConfig"]["headGroupSpec"].keys()


def test_estimates() -> None:
    measured = {"inPlaceSeconds": 3, "replicaRestartSeconds": 40, "newClusterSeconds": 0}
    blank = Change(ChangeClass.NONE, False, (), (), (), (), (), (), Demand())
    of_class = [replace(blank, change_class=each) for each in ChangeClass]
    assert [estimate(each, measured) for each in of_class] == [0, 3, 40, 0]
    assert [estimate(each, None) for each in of_class] == [0, None, None, None]
    assert [estimate(replace(each, added=("b",)), measured) for each in of_class] == [0, None, None, 0]
    assert estimate(of_class[1], {"inPlaceSeconds": "3"}) is None


def test_the_dearest() -> None:
    assert dearest(ChangeClass) is ChangeClass.NEW_CLUSTER
    assert dearest([ChangeClass.IN_PLACE, ChangeClass.REPLICA_RESTART, ChangeClass.NONE]) is ChangeClass.REPLICA_RESTART
    assert dearest([]) is ChangeClass.NONE
