"""Applications: pods and Ray's count of them, what an edit costs by Ray's own functions, and that the data is serve_app's."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from generate.applications import applications as generated
from llm_operator.api.validation import validate
from llm_operator.plan import application_data
from llm_operator.plan.plan import ApplicationPlan, Plan
from llm_operator.plan.resolve import resolve
from llm_operator.render.custom_app import custom_application
from ray.serve._private.deploy_utils import get_app_code_version
from ray.serve.schema import ServeApplicationSchema

Object = dict[str, Any]
IMAGE = {"image": "registry.example/serve:1"}


def pipeline(**fields: Any) -> Object:
    """The four deployments, each of 0.1 CPU."""
    names = ("Pipeline", "Preprocess", "Sentiment", "Summary")
    deployments = [{"name": name, "actor": {"cpu": 0.1}} for name in names]
    return {"name": "p", "importPath": "llm_serve_app.pipeline:build", "deployments": deployments, **fields}


def batch(*, deployment: Object | None = None, **fields: Any) -> Object:
    """One deployment."""
    only = {"name": "BatchedSentiment", **(deployment or {})}
    return {"name": "b", "importPath": "llm_serve_app.batch:build", "deployments": [only], **fields}


def planned(*applications: Object, models: tuple[Object, ...] = (), routes: dict[str, str] | None = None) -> Plan:
    """Of an object with these applications."""
    spec = validate("x", {"applications": list(applications), "models": list(models), "ray": IMAGE})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return resolve(spec, name="x", namespace="llm", uid="u", routes=routes or {}, now=now)


def plan_of(application: Object) -> ApplicationPlan:
    """The only one."""
    return planned(application).applications[0]


def scaled(fewest: int, most: int, **actor: float) -> Object:
    """A batch application between these bounds."""
    return batch(deployment={"scaling": {"minReplicas": fewest, "maxReplicas": most}, "actor": actor})


@pytest.mark.parametrize(
    ("application", "cpu_request", "ray_cpus", "pods"),
    [
        (batch(), "2", "2", (1, 1)),
        (batch(workers={"resources": {"cpu": "300m"}}), "300m", "1", (1, 1)),
        (batch(workers={"resources": {"cpu": "1500m"}}, deployment={"actor": {"cpu": 1.5}}), "1500m", "2", (1, 1)),
        (batch(deployment={"actor": {"cpu": 6}}), "6", "6", (1, 1)),  # the default grows with the actor
        (batch(deployment={"replicas": 5}), "2", "2", (3, 3)),
        (scaled(1, 8, cpu=1), "2", "2", (1, 4)),
        (scaled(0, 8, cpu=0.25), "2", "2", (0, 1)),
        (scaled(2, 9, cpu=0), "2", "2", (1, 1)),
        (pipeline(workers={"resources": {"cpu": "300m"}}), "300m", "1", (1, 1)),
    ],
)
def test_pods_without_gpus(application: Object, cpu_request: str, ray_cpus: str, pods: tuple[int, int]) -> None:
    group = plan_of(application).group
    assert group.resources.cpu == cpu_request
    token = f"group:{application['name']}"
    assert dict(group.ray_resources) == {"CPU": ray_cpus, token: "1"}
    assert (group.min_pods, group.max_pods) == pods


@pytest.mark.parametrize(
    ("count", "actor", "bounds", "pods"),
    [
        (1, {"cpu": 1, "gpu": 1}, (1, 4), (1, 4)),
        (2, {"cpu": 1, "gpu": 1}, (1, 4), (1, 2)),
        (1, {"cpu": 1, "gpu": 0.5}, (1, 4), (1, 2)),
        (1, {"cpu": 1, "gpu": 0.3}, (4, 9), (2, 3)),
        (4, {"cpu": 1, "gpu": 2}, (3, 3), (2, 2)),
        (1, {"cpu": 3, "gpu": 0.5}, (2, 2), (2, 2)),  # 4 CPUs per accelerator hold one of 3
        (1, {"cpu": 1, "gpu": 0.25, "memory": "20Gi"}, (2, 2), (2, 2)),  # 32Gi per accelerator hold one of 20Gi
    ],
)
def test_pods_with_gpus(count: int, actor: Object, bounds: tuple[int, int], pods: tuple[int, int]) -> None:
    deployment = {"actor": actor, "scaling": {"minReplicas": bounds[0], "maxReplicas": bounds[1]}}
    workers = {"accelerators": [{"type": "L4", "count": count}]}
    made = plan_of(batch(deployment=deployment, workers=workers))
    offered = dict(made.group.ray_resources)
    assert (offered["GPU"], offered["accelerator_type:L4"], offered["CPU"]) == (str(count), "1", str(4 * count))
    assert made.group.resources.devices == (("nvidia.com/gpu", count),)
    assert [toleration.key for toleration in made.group.tolerations] == ["nvidia.com/gpu"]
    assert (made.group.min_pods, made.group.max_pods) == pods
    assert made.held == (("L4", pods[0] * count),)


def test_a_group_of_cpu_pods_may_say_which_nodes() -> None:
    group = plan_of(batch(workers={"accelerators": [{"type": "CPU", "nodeSelector": {"pool": "cpu"}}]})).group
    assert group.node_selector == (("pool", "cpu"),)
    assert (group.resources.devices, group.tolerations) == ((), ())


MODEL = {"name": "qwen", "source": {"uri": "hf://Qwen/Qwen3-8B"}, "accelerators": [{"type": "L4"}]}


@pytest.mark.parametrize(
    ("application", "models", "live", "want"),
    [
        (batch(), (), {}, {"b": "/b"}),
        (batch(), (MODEL,), {}, {"qwen": "/", "b": "/b"}),
        (batch(routePrefix="/"), (MODEL,), {}, {"qwen": "/qwen", "b": "/"}),
        (batch(routePrefix="/x/y"), (MODEL,), {"qwen": "/qwen"}, {"qwen": "/qwen", "b": "/x/y"}),
        (batch(routePrefix="/x"), (MODEL,), {"b": "/old"}, {"qwen": "/", "b": "/x"}),
        (batch(name="a.b"), (), {}, {"a.b": "/a.b"}),
        (batch(routePrefix="/score"), (MODEL,), {"qwen": "/qwen"}, {"qwen": "/qwen", "b": "/score"}),
        (batch(routePrefix="/qwen2"), (MODEL,), {"qwen": "/qwen"}, {"qwen": "/qwen", "b": "/qwen2"}),
    ],
)
def test_routes(application: Object, models: tuple[Object, ...], live: dict[str, str], want: dict[str, str]) -> None:
    made = planned(application, models=models, routes=live)
    found = {model.serving.model_id: model.serving.route for model in made.models}
    assert found | {each.name: each.route for each in made.applications} == want


def test_url_and_counts_without_models() -> None:
    made = planned(batch(), pipeline(routePrefix="/"))
    assert [made.url_of_application(each) for each in made.applications] == [f"{made.url}/b", made.url]
    assert made.replicas == "5"
    assert not made.may_be_empty
    assert planned(scaled(0, 1, cpu=1)).may_be_empty
    assert planned(scaled(1, 1, cpu=1), batch(name="c")).may_be_empty is False


def test_the_grace_of_an_application_counts_for_the_old_cluster() -> None:
    made = planned(batch(deployment={"health": {"gracefulShutdownSeconds": 900}}))
    assert made.cluster_deletion_delay_seconds == 900


# --- what an edit costs, by Ray's own functions


def override(application: Object) -> Object:
    """The first deployment's entry."""
    return dict(custom_application(plan_of(application))["deployments"][0])


def code_version(application: Object) -> str:
    """A change restarts all replicas of the application."""
    rendered = custom_application(plan_of(application))
    return str(get_app_code_version(ServeApplicationSchema.model_validate(json.loads(json.dumps(rendered)))))


def edited(path: str, value: Any) -> Object:
    """`deployments.0.replicas` of the pipeline set."""
    made: Any = copy.deepcopy(pipeline())
    *parents, last = path.split(".")
    node = made
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[last] = value
    return dict(made)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("deployments.1.replicas", 3),
        ("deployments.1.scaling", {"minReplicas": 1, "maxReplicas": 3}),
        ("deployments.0.userConfig", {"timeout_s": 5}),
        ("deployments.0.maxOngoingRequests", 7),
        ("deployments.0.maxQueuedRequests", 7),
        ("deployments.0.health", {"gracefulShutdownSeconds": 1}),
        ("deployments.0.actor", {"cpu": 0.2}),  # its own replicas only, below
        ("routePrefix", "/other"),
        ("workers", {"resources": {"cpu": "4"}}),
    ],
)
def test_edits_that_keep_the_code_version(path: str, value: Any) -> None:
    assert code_version(edited(path, value)) == code_version(pipeline())


def test_edits_that_change_the_code_version() -> None:
    assert code_version(edited("args.max_characters", 7)) != code_version(pipeline())


def test_only_actor_options_restart_a_deployment() -> None:
    """Ray 2.60.0, serve/_private/version.py, requires_actor_restart: ray_actor_options; not numbers of requests or replicas."""
    before = override(pipeline())
    assert override(edited("deployments.0.actor", {"cpu": 0.2}))["ray_actor_options"] != before["ray_actor_options"]
    for path, value in (("replicas", 3), ("userConfig", {"timeout_s": 5}), ("maxOngoingRequests", 7)):
        assert override(edited(f"deployments.0.{path}", value))["ray_actor_options"] == before["ray_actor_options"]


def test_a_whole_override() -> None:
    scaling = {"minReplicas": 1, "maxReplicas": 2, "targetOngoingRequests": 8, "maxQueuedRequests": 9}
    actor = {"cpu": 0.5, "memory": "1Gi"}
    made = override(batch(deployment={"scaling": scaling, "actor": actor, "userConfig": {"max_batch_size": 4}}))
    assert made == {
        "name": "BatchedSentiment",
        "ray_actor_options": {"num_cpus": 0.5, "num_gpus": 0, "memory": 2**30, "resources": {"group:b": 0.001}},
        "autoscaling_config": {
            "min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 8, "upscale_delay_s": 30, "downscale_delay_s": 600,
        },
        "max_ongoing_requests": 16,
        "max_queued_requests": 9,
        "health_check_period_s": 10,
        "health_check_timeout_s": 30,
        "graceful_shutdown_timeout_s": 20,
        "user_config": {"max_batch_size": 4},
    }  # fmt: skip


def test_limits_of_the_code_stay_where_nothing_is_said() -> None:
    made = override(batch())
    assert not {"max_ongoing_requests", "max_queued_requests", "num_replicas"} & made.keys()
    assert made["autoscaling_config"]["min_replicas"] == made["autoscaling_config"]["max_replicas"] == 1


def test_user_config_of_own_applications_goes_back_to_the_defaults() -> None:
    """Running replicas are told of {} and not of nothing; Preprocess takes none and would fail with one."""
    deployments = custom_application(plan_of(pipeline()))["deployments"]
    assert {each["name"]: each.get("user_config") for each in deployments} == {
        "Pipeline": {}, "Preprocess": None, "Sentiment": {}, "Summary": {},
    }  # fmt: skip


# --- data


def test_the_data_is_what_serve_app_says() -> None:
    committed = {path: entry.deployments for path, entry in application_data.known().items()}
    now = {path: tuple(entry["deployments"]) for path, entry in json.loads(generated()).items()}
    assert committed == now
    assert {entry.args["type"][0] for entry in application_data.known().values()} == {"object"}
    assert application_data.of("shop.search:app") is None
