"""Arithmetic of the plan: pods, replicas, Ray's logical resources, defaults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.api.accelerators import AcceleratorType
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.spec.deployment import parse_spec
from llm_operator.api.spec.hardware import Toleration
from llm_operator.plan import catalog
from llm_operator.plan.placement import group_name
from llm_operator.plan.plan import IncrementalPlan, Plan, span
from llm_operator.plan.resolve import resolve

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def plan(made: LLM, **routes: str) -> Plan:
    return resolve(parse_spec(made.object()["spec"]), name="chat", namespace="llm", uid="u", routes=routes, now=NOW)


def sized(kind: str, count: int, tensor: int, **scaling: int) -> Plan:
    return plan(llm("m").gpu(kind, count).model(parallelism={"tensor": tensor}, scaling=scaling))


@pytest.mark.parametrize(
    ("count", "tensor", "scaling", "per_pod", "pods"),
    [
        (1, 1, {}, 1, (1, 1)),
        (8, 8, {"minReplicas": 3}, 1, (3, 3)),
        (8, 2, {"minReplicas": 1, "maxReplicas": 10}, 4, (1, 3)),
        (8, 2, {"minReplicas": 4, "maxReplicas": 5}, 4, (1, 2)),
        (8, 1, {"minReplicas": 9, "maxReplicas": 16}, 8, (2, 2)),
        (4, 4, {"minReplicas": 2, "maxReplicas": 7}, 1, (2, 7)),
    ],
)
def test_pods(count: int, tensor: int, scaling: dict[str, int], per_pod: int, pods: tuple[int, int]) -> None:
    (model,) = sized("H100", count, tensor, **scaling).models
    assert (model.groups[0].min_pods, model.groups[0].max_pods) == pods
    assert len(model.serving.servers[0].engine.placement.bundles) == tensor
    assert dict(model.groups[0].ray_resources) == {
        "CPU": str(per_pod),
        "GPU": str(count),
        "accelerator_type:H100": "1",
        "group:m": "1",
    }


def test_a_cpu_replica_takes_two_logical_cpus() -> None:
    """One for the actor, one for its bundle; admission tokens, whatever the pod's request is."""
    (model,) = plan(llm("m").model(accelerators=[{"type": "CPU"}], resources={"cpu": "500m"})).models
    assert dict(model.groups[0].ray_resources) == {"CPU": "2", "group:m": "1"}
    assert model.serving.servers[0].engine.placement.bundles == ((("CPU", 1), ("group:m", 0.001)),)
    assert model.serving.servers[0].engine.placement.accelerator_type is None
    assert model.groups[0].resources.devices == ()
    assert model.accelerators == "CPU"


@pytest.mark.parametrize(
    ("fields", "cpu", "memory", "shared"),
    [
        ({"accelerators": [{"type": "L4"}]}, "4", "32768Mi", "16384Mi"),
        ({"accelerators": [{"type": "H100", "count": 8}], "parallelism": {"tensor": 8}}, "32", "262144Mi", "131072Mi"),
        ({"accelerators": [{"type": "CPU"}]}, "2", "8Gi", "4096Mi"),
        ({"accelerators": [{"type": "L4"}], "resources": {"memory": "10Gi"}}, "4", "10Gi", "5120Mi"),
        ({"accelerators": [{"type": "L4"}], "resources": {"cpu": "1", "sharedMemory": "1Gi"}}, "1", "32768Mi", "1Gi"),
    ],
)
def test_default_sizes(fields: dict[str, Any], cpu: str, memory: str, shared: str) -> None:
    (model,) = plan(llm("m").model(**fields)).models
    resources = model.groups[0].resources
    assert (resources.cpu, resources.memory, resources.shared_memory) == (cpu, memory, shared)


def test_shared_memory_above_the_default_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="must be less than memory"):
        plan(llm("m").model(resources={"sharedMemory": "40Gi"}))


@pytest.mark.parametrize(
    ("kind", "want"),
    [
        ("L4", "nvidia.com/gpu"),
        ("GB300", "nvidia.com/gpu"),
        ("AMD-Instinct-MI300X-OAM", "amd.com/gpu"),
        ("Intel-GPU-Max-1550", "gpu.intel.com/i915"),
    ],
)
def test_device_names(kind: str, want: str) -> None:
    assert catalog.device(AcceleratorType(kind)) == want
    (model,) = plan(llm("m").gpu(kind)).models
    assert model.groups[0].resources.devices == ((want, 1),)
    assert model.groups[0].tolerations == (Toleration(key=want, operator="Exists", effect="NoSchedule"),)


def test_every_accelerator_has_a_name_that_ray_knows() -> None:
    from ray.util.accelerators import accelerators as rays

    known = {value for name, value in vars(rays).items() if name.isupper() and isinstance(value, str)}
    known |= {value for value in vars(rays).values() if isinstance(value, str)}
    assert {kind.value for kind in AcceleratorType} - known == {"CPU"}


@pytest.mark.parametrize(
    ("names", "routes", "want"),
    [
        (["a"], {}, ["/"]),
        (["a", "b"], {}, ["/a", "/b"]),
        (["a", "b"], {"a": "/"}, ["/", "/b"]),
        (["b"], {"a": "/", "b": "/b"}, ["/b"]),
        (["b"], {"a": "/"}, ["/b"]),
        (["b"], {"a": "/a"}, ["/"]),
        (["a"], {"a": "/a"}, ["/a"]),
    ],
)
def test_a_route_never_changes(names: list[str], routes: dict[str, str], want: list[str]) -> None:
    first, *others = names
    made = llm(first)
    for name in others:
        made = made.add_model(name)
    assert [model.serving.route for model in plan(made, **routes).models] == want


def test_urls() -> None:
    made = plan(llm("a").add_model("b"), a="/")
    assert [made.url_of(model) for model in made.models] == [
        "http://chat-serve-svc.llm.svc:8000/v1",
        "http://chat-serve-svc.llm.svc:8000/b/v1",
    ]


def test_totals() -> None:
    made = plan(
        llm("a").gpu("H100", 8).model(parallelism={"tensor": 4}, scaling={"minReplicas": 3, "maxReplicas": 5})
        .add_model("b").add_model("c", accelerators=[{"type": "CPU"}]).add_model("d", accelerators=[{"type": "H100"}])
    )  # fmt: skip
    assert made.gpus == "17xH100,1xL4"
    assert made.replicas == "6-8"
    assert plan(llm("c").model(accelerators=[{"type": "CPU"}])).gpus == "0"


STEPS = {
    "strategy": "Incremental",
    "incremental": {"gatewayClassName": "g", "stepSizePercent": 1, "intervalSeconds": 2},
}


@pytest.mark.parametrize(
    ("gateway", "url", "inside"),
    [
        (None, "http://chat-serve-svc.llm.svc:8000/v1", "http://chat-serve-svc.llm.svc:8000/v1"),
        ("", "", "http://chat-abcde-serve-svc.llm.svc:8000/v1"),
        ("192.0.2.1", "http://192.0.2.1/v1", "http://chat-abcde-serve-svc.llm.svc:8000/v1"),
    ],
)
def test_where_requests_come_by_a_gateway(gateway: str | None, url: str, inside: str) -> None:
    spec = parse_spec(llm("a").with_("spec.rollout", STEPS).object()["spec"])
    made = resolve(spec, name="chat", namespace="llm", uid="u", routes={}, now=NOW, gateway=gateway)
    assert made.incremental == IncrementalPlan("g", 1, 2, 100)
    assert made.url_of(made.models[0]) == url
    asked = made.inside("chat-abcde")
    assert asked.url_of(asked.models[0]) == inside


@pytest.mark.parametrize(("graceful", "want"), [(0, 60), (60, 60), (120, 120), (3600, 3600)])
def test_the_old_cluster_stays_until_its_streams_end(graceful: int, want: int) -> None:
    made = plan(llm("a").model(health={"gracefulShutdownSeconds": graceful}))
    assert made.cluster_deletion_delay_seconds == want


def test_the_longest_shutdown_of_all_models_counts() -> None:
    made = (
        llm("a").model(health={"gracefulShutdownSeconds": 10}).add_model("b", health={"gracefulShutdownSeconds": 300})
    )
    assert plan(made).cluster_deletion_delay_seconds == 300


def test_computed_scaling() -> None:
    (model,) = plan(llm("a").scaling(minReplicas=3, targetOngoingRequests=10)).models
    assert (model.min_replicas, model.max_replicas) == (3, 3)
    scale = model.serving.servers[0].scale
    assert (scale.target_ongoing_requests, scale.max_ongoing_requests) == (10, 20)


@pytest.mark.parametrize(
    ("uri", "want"),
    [("hf://Qwen/Qwen3-8B", "Qwen/Qwen3-8B"), ("file:///models/demo", "/models/demo")],
)
def test_source(uri: str, want: str) -> None:
    (model,) = plan(llm("a").model(source={"uri": uri})).models
    assert model.serving.servers[0].engine.model_source == want


def test_images() -> None:
    made = plan(llm("a").model(engine={"image": "own"}).with_("spec.ray", {"image": "all"}).add_model("b"))
    assert [made.head_image, *(model.groups[0].image for model in made.models)] == ["all", "own", "all"]
    assert plan(llm("a")).head_image == catalog.DEFAULT_IMAGE


def test_head() -> None:
    made = plan(llm("a").with_("spec.ray", {"head": {"resources": {"memory": "3Gi"}}}))
    assert (made.head.cpu, made.head.memory, made.head.shared_memory) == (catalog.HEAD_CPU, "3Gi", "1536Mi")


def test_group_name() -> None:
    assert group_name("llama-3.1-8b") == "llama-3-1-8b"


@pytest.mark.parametrize(("fewest", "most", "want"), [(1, 1, "1"), (1, 4, "1-4")])
def test_span(fewest: int, most: int, want: str) -> None:
    assert span(fewest, most) == want
