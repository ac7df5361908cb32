"""Causes that were not recorded: the kubelet's, the scheduler's and Ray's words out of their sources, named at each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from llm_operator.api.conditions import Reason
from llm_operator.api.validation import validate
from llm_operator.plan.inputs import Scope
from llm_operator.plan.resolve import resolve
from llm_operator.status.diagnosis import Cause, diagnose, look_again
from llm_operator.status.diagnosis.engine import recognised
from llm_operator.status.diagnosis.evidence import Subject
from llm_operator.status.observed import observe
from llm_operator.sync import sync

MODEL: dict[str, Any] = {
    "name": "chat",
    "source": {"uri": "hf://Qwen/Qwen3-8B"},
    "accelerators": [{"type": "CPU"}],
    "resources": {"cpu": "3", "memory": "8Gi"},
}
LABELS = {"ray.io/node-type": "worker", "ray.io/group": "chat"}
NOW = "2026-01-01T01:00:00Z"


def parent(spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": "chat", "namespace": "llm", "uid": "u", "generation": 2}
    return {"metadata": metadata, "spec": spec or {"models": [MODEL]}, "status": status}


def pod(**status: Any) -> dict[str, Any]:
    asked = {"requests": {"cpu": "3", "nvidia.com/gpu": "2"}, "limits": {"memory": "8Gi"}}
    spec = {"containers": [{"name": "ray-worker", "resources": asked}]}
    return {"metadata": {"labels": LABELS}, "spec": spec, "status": status}


def cause(*pods: dict[str, Any], child: dict[str, Any] | None = None, **status: Any) -> Cause | None:
    live = child or {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}
    return diagnose(Scope(parent=parent(**status), now=NOW, child=live, pods=pods), observe(live))


def waits(message: str) -> str:
    found = cause(pod(conditions=[{"type": "PodScheduled", "reason": "Unschedulable", "message": message}]))
    assert found is not None
    assert found.reason is Reason.UNSCHEDULABLE
    return found.message


# Kubernetes 1.34, pkg/scheduler/framework/types.go and plugins.
@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("0/9 nodes are available: 9 Insufficient nvidia.com/gpu. preemption: 0/9 nodes are available: 9 No preemption victims "
         "found for incoming pod.", "it asks for 2 nvidia.com/gpu, and no node has that much free"),
        ("0/9 nodes are available: 9 Insufficient nvidia.com/gpu. preemption: 0/9 nodes are available: 9 Preemption is not "
         "helpful for scheduling.", "no node has that much, even when empty"),
        ("0/9 nodes are available: 5 Insufficient nvidia.com/gpu, 4 node(s) had untolerated taint {team: a}. preemption: 0/9 nodes "
         "are available: 9 Preemption is not helpful for scheduling.", "that much free; nodes have a taint that it does not tolerate {team: a}"),
        ("0/3 nodes are available: 3 node(s) had untolerated taint {gpu: yes}.", "add a toleration to spec.models[0].accelerators"),
        ("0/3 nodes are available: 3 node(s) had volume node affinity conflict.", "bound to another zone or node"),
        ("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "a PersistentVolumeClaim has no volume yet"),
        ("0/3 nodes are available: 3 node(s) were unschedulable.", "they are cordoned"),
        ("something new", "waits for a node: something new"),
    ],
)  # fmt: skip
def test_the_scheduler(message: str, said: str) -> None:
    assert said in waits(message)


def test_an_init_container_asks_for_more() -> None:
    """Less for the model would not help."""
    waiting = pod(
        conditions=[
            {
                "type": "PodScheduled",
                "reason": "Unschedulable",
                "message": "0/1 nodes are available: 1 Insufficient cpu.",
            }
        ]
    )
    waiting["spec"]["initContainers"] = [
        {"name": "wait-gcs-ready", "resources": {"requests": {"cpu": "3500m", "memory": "1Gi"}}}
    ]
    found = cause(waiting)
    assert found is not None
    assert found.message.endswith(
        "it asks for 3500m cpu while it starts, and no node has that much free. To do: free some or add nodes"
    )


def test_devices_come_first() -> None:
    said = waits("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient nvidia.com/gpu.")
    assert "it asks for 2 nvidia.com/gpu and 3 cpu, and" in said
    assert said.endswith("or lower spec.models[0].accelerators, spec.models[0].resources.cpu")


@pytest.mark.parametrize("nodes", [3, 90])
def test_counts_of_nodes_are_left_out(nodes: int) -> None:
    """They change with every pod of anybody: the status would tick."""
    assert waits(f"0/{nodes} nodes are available: {nodes} Insufficient cpu.") == waits(
        "0/5 nodes are available: 5 Insufficient cpu."
    )


def test_missing_config_map() -> None:
    """Kubernetes 1.34, pkg/kubelet/kubelet_pods.go."""
    waiting = {"reason": "CreateContainerConfigError", "message': ": ""} | {"message": 'configmap "prompts" not found'}
    found = cause(pod(containerStatuses=[{"name": "ray-worker", "state": {"waiting": waiting}}]))
    assert found == Cause(
        Reason.CONFIG_MAP_MISSING,
        'worker group "chat": configmap "prompts" not found; create it in namespace llm, or correct spec.models[0].source or '
        ".engine.env",
    )


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        # Kubernetes 1.34, pkg/kubelet/eviction/helpers.go
        ("Pod ephemeral local storage usage exceeds the total limit of containers 50Gi. ", Reason.DISK_FULL),
        ('Usage of EmptyDir volume "cache" exceeds the limit "10Gi". ', Reason.DISK_FULL),
        ("The node was low on resource: ephemeral-storage. Threshold quantity: 1, available: 0. ", Reason.DISK_FULL),
        ("The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. ", Reason.POD_EVICTED),
    ],
)
def test_evicted(message: str, reason: Reason) -> None:
    found = cause(pod(reason="Evicted", message=message, phase="Failed"))
    assert found is not None
    assert found.reason is reason
    assert "available: " not in found.message, "the number of this moment"


def test_memory_that_fits_a_model_on_cpu() -> None:
    """Qwen3-8B has 8.19e9 parameters of 2 bytes: 15.3 GiB, and a third more for the KV cache, plus one."""
    killed = {"name": "ray-worker", "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    found = cause(pod(containerStatuses=[killed]))
    assert found is not None
    assert found.message == (
        'worker group "chat": container ray-worker was killed for memory at its limit of 8Gi; raise '
        "spec.models[0].resources.memory to 22Gi or more (the weights, and a quarter for the KV cache)"
    )


@pytest.mark.parametrize(
    "text",
    [
        # safetensors 0.8.0; vLLM 0.29.0, model_executor/model_loader/default_loader.py
        "Root cause: SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered",
        "RuntimeError: Cannot find any model weights with `/models/x`",
    ],
)
def test_unreadable(text: str) -> None:
    found = recognised(text, Subject("model", "chat", "spec.models[0]", MODEL))
    assert found is not None
    assert found[0] is Reason.MODEL_UNREADABLE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # vLLM 0.29.0: config/model.py, config/vllm.py, platforms/cuda.py, entrypoints
        ("ValueError: Total number of attention heads (32) must be divisible by tensor parallel size (3).", "one of 1, 2, 4, 8, 16, 32"),
        ("Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your T4", "set spec.models[0].engine.dtype to float16"),
        (
            "The quantization method fp8 is not supported for the current GPU. Minimum capability: 89. Current capability: 80.",
            "needs a GPU of compute capability 89",
        ),
        ("TypeError: AsyncEngineArgs.__init__() got an unexpected keyword argument 'no_such'", "vLLM has no argument no_such"),
    ],
)  # fmt: skip
def test_engine_texts_that_take_a_gpu(text: str, said: str) -> None:
    found = recognised(text, Subject("model", "chat", "spec.models[0]", MODEL))
    assert found is not None
    assert said in found[1]


def test_weights_of_a_bucket_that_was_not_read() -> None:
    """Ray 2.60.0, llm/_internal/common/utils/download_utils.py: the error is logged, and the hub is asked instead."""
    model = Subject("model", "chat", "spec.models[0]", {"source": {"uri": "s3://models/x"}})
    found = recognised("We couldn't connect to 'https://huggingface.co' to load the files", model)
    assert found is not None
    assert "s3://models/x could not be read" in found[1]


def planned() -> Any:
    """The plan of the model above."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return resolve(validate("chat", {"models": [MODEL]}), name="chat", namespace="llm", uid="u", routes={}, now=now)


RESTART = {"class": "ReplicaRestart", "startedAt": NOW}


@pytest.mark.parametrize(
    ("asked", "full", "change", "state", "said"),
    [
        ([{"CPU": 64.0, "group:chat": 0.001}], False, {}, "UPDATING", "asks one pod for 64 CPU"),
        ([{"CPU": 64.0, "group:chat": 0.001}], True, RESTART, "UPDATING", "asks one pod for 64 CPU"),
        (
            [{"CPU": 1.0, "group:chat": 0.001}],
            True,
            {},
            "UPSCALING",
            "all pods that its worker groups may have are taken",
        ),
        ([{"CPU": 1.0, "group:chat": 0.001}], True, {}, "HEALTHY", ""),  # said of a replica that was replaced long ago
        # By the replica before it, which ends its streams.
        ([{"CPU": 1.0, "group:chat": 0.001}], True, RESTART, "UPDATING", ""),
        ([{"CPU": 1.0, "group:chat": 0.001}], True, {**RESTART, "finishedAt": NOW}, "UPDATING", "are taken"),
        ([{"CPU": 1.0, "group:chat": 0.001}], False, {}, "UPDATING", ""),
    ],
)
def test_a_replica_that_never_fits(
    asked: list[dict[str, float]], full: bool, change: dict[str, str], state: str, said: str
) -> None:
    """Ray 2.60.0, serve/_private/deployment_state.py."""
    message = (
        "Deployment 'LLMServer:chat' in application 'chat' has 1 replicas that have taken more than 30s to be scheduled. This may be "
        f"due to waiting. Resources required for each replica: {json.dumps(asked)}, total resources available: {{}}. Use `ray status`."
    )
    engine = {"LLMServer:chat": {"status": state, "message": message}}
    side = {
        "rayClusterName": "c",
        "applicationStatuses": {"chat": {"status": "DEPLOYING", "serveDeploymentStatuses": engine}},
    }
    child = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "activeServiceStatus": side}}
    pods = (pod(phase="Running"),) if full else ()
    scope = Scope(parent=parent(lastChange=change), now=NOW, child=child, pods=pods)
    found = diagnose(scope, observe(child), planned())
    assert (found is None) == (said == "")
    if found is not None:
        assert found.reason is Reason.REPLICA_NEVER_FITS
        assert said in found.message


PROGRESSING = {"type": "Progressing", "status": "True", "lastTransitionTime": "2026-01-01T00:58:00Z"}


@pytest.mark.parametrize(
    ("now", "seen", "said", "again"),
    [
        ("2026-01-01T00:59:00Z", 3, None, 241),
        ("2026-01-01T01:03:00Z", 3, Reason.KUBERAY_NOT_RECONCILING, None),
        ("2026-01-01T01:03:00Z", 2, None, None),
    ],
)
def test_kuberay_is_silent(now: str, seen: int, said: Reason | None, again: float | None) -> None:
    """`seen`: the generation that the last look wrote; a generation that is new to us is no silence."""
    child = {"metadata": {"generation": 3}, "status": {"observedGeneration": 2}}
    scope = Scope(parent=parent(conditions=[PROGRESSING], rayService={"generation": seen}), now=now, child=child)
    found = diagnose(scope, observe(child))
    assert (None if found is None else found.reason) is said
    assert look_again(scope, observe(child)) == again


def test_the_operator_looks_again_in_time() -> None:
    """Nothing happens in the cluster when KubeRay is silent: only the clock can tell."""
    first = sync(Scope(parent=parent(), now="2026-01-01T00:00:00Z"))
    assert first.apply is not None
    live = {**first.apply, "metadata": {**first.apply["metadata"], "generation": 1, "uid": "r"}, "status": {}}
    second = sync(Scope(parent=parent(), now="2026-01-01T00:00:00Z", child=live, applied=True))
    third = sync(Scope(parent=parent(**second.status), now="2026-01-01T00:00:01Z", child=live))
    assert third.requeue_after is not None
    assert third.requeue_after <= 301
