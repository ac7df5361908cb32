"""Shapes, halves and queues that cannot work: the path, and the arithmetic that says why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.validation import validate
from llm_operator.plan.resolve import resolve

M = "spec.models[0]"
D = f"{M}.disaggregation"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def errors(made: LLM) -> list[str]:
    """Schema, cross-field checks, then the checks of the plan."""
    body = made.object()
    name = body["metadata"]["name"]
    try:
        resolve(validate(name, body["spec"]), name=name, namespace="llm", uid="u", routes={}, now=NOW)
    except InvalidSpec as invalid:
        return [str(error) for error in invalid.errors]
    return []


def model(*accelerators: dict[str, Any], **fields: Any) -> LLM:
    return llm("m").model(accelerators=list(accelerators) or [{"type": "H100"}], **fields)


def kinds(*names: str, **fields: Any) -> LLM:
    return model(*({"type": name} for name in names), **fields)


def scheduled(made: LLM | None = None, **fields: Any) -> LLM:
    return (made or model()).with_("spec.scheduling", fields)


H8 = {"type": "H100", "count": 8}
AMD = {"type": "AMD-Instinct-MI300X-OAM"}
NO_FIT = (
    "a replica needs tensor x pipeline = {0} x {1} = {2} accelerators, which pods of {3} cannot hold: accelerators[].count must "
    "be a multiple of {2}, or a divisor of it that {0} divides (then a replica takes several pods)"
)
SHARED = (
    f"{M}.engine.gpuMemoryUtilization: it is of the whole GPU, and share {{0}} puts floor(1/{{0}}) = {{1}} replicas on one: "
    "{1} x {2} = {3} > 1; set at most {4}, or leave it out (then 0.9 x {0})"
)
QUEUED = "with scheduling.queueName the number of pods is fixed"

WRONG: list[tuple[str, LLM, list[str]]] = [
    # Shapes of pods
    ("tensor over pods", model({"type": "H100"}, parallelism={"tensor": 2}), [f"{M}.parallelism: {NO_FIT.format(2, 1, 2, 1)}"]),
    ("three of eight", model(H8, parallelism={"tensor": 3}), [f"{M}.parallelism: {NO_FIT.format(3, 1, 3, 8)}"]),
    ("a stage over pods", model({"type": "H100", "count": 2}, parallelism={"tensor": 4, "pipeline": 2}),
     [f"{M}.parallelism: {NO_FIT.format(4, 2, 8, 2)}"]),
    ("pods that are not filled", model({"type": "H100", "count": 6}, parallelism={"tensor": 2, "pipeline": 2}),
     [f"{M}.parallelism: {NO_FIT.format(2, 2, 4, 6)}"]),
    ("CPU with tensor", model({"type": "CPU"}, parallelism={"tensor": 2}),
     [f"{M}.parallelism: tensor and pipeline must be 1 with accelerator type CPU, and with share"]),
    # Shares
    ("share with vLLM's usual utilization", model({"type": "L4", "share": 0.3}, engine={"gpuMemoryUtilization": 0.9}),
     [SHARED.format("0.3", 3, "0.9", "2.7", "0.33")]),
    ("share, a little too much", model({"type": "L4", "share": 0.5}, engine={"gpuMemoryUtilization": 0.51}),
     [SHARED.format("0.5", 2, "0.51", "1.02", "0.5")]),
    ("share, utilization among args", model({"type": "L4", "share": 0.25}, engine={"args": {"gpu-memory-utilization": 0.4}}),
     [SHARED.format("0.25", 4, "0.4", "1.6", "0.25")]),
    ("share with tensor", model({"type": "L4", "share": 0.5}, parallelism={"tensor": 2}),
     [f"{M}.parallelism: tensor and pipeline must be 1 with accelerator type CPU, and with share"]),
    ("share with data", model({"type": "L4", "share": 0.5}, parallelism={"data": 2}),
     [f"{M}.parallelism.data: the engines of one replica cannot share a GPU (NCCL refuses it): remove share, or set it to 1"]),
    ("share of nothing", model({"type": "L4", "share": 0.01}),
     [f"{M}.accelerators[0].share: input should be greater than or equal to 0.05"]),
    ("share of all", model({"type": "L4", "share": 1.0}), [f"{M}.accelerators[0].share: input should be less than 1"]),
    ("CPU with share", model({"type": "CPU", "share": 0.5}),
     [f"{M}.accelerators[0].share: type CPU has no device to share: remove share"]),
    # Several kinds of pods
    ("CPU beside GPU", kinds("L4", "CPU"),
     [f"{M}.accelerators: all entries must be GPUs, or all CPU, or all TPU: a replica asks Ray for one of these"]),
    ("two shares", model({"type": "L4", "share": 0.5}, {"type": "T4", "share": 0.25}),
     [f"{M}.accelerators: share must be the same in all entries: a replica asks Ray for one fraction"]),
    ("a share beside a whole", model({"type": "L4", "share": 0.5}, {"type": "T4"}),
     [f"{M}.accelerators: share must be the same in all entries: a replica asks Ray for one fraction"]),
    ("a kind whose pods hold no whole replica",
     model({"type": "H100", "count": 4}, {"type": "L40S", "count": 2}, parallelism={"tensor": 2, "pipeline": 2}),
     [f"{M}.accelerators[1].count: with several entries each pod must hold a whole replica, else one could be spread over "
      "different kinds: 2 must be a multiple of tensor x pipeline = 4"]),
    ("several kinds with data", kinds("H100", "H200", parallelism={"data": 2}),
     [f"{M}.parallelism.data: the engines of one replica could land on different accelerators: list one in accelerators, or set it to 1"]),
    ("room for fewer than wanted", model({"type": "H100", "maxReplicas": 2}, {"type": "L4", "maxReplicas": 1}, scaling={"maxReplicas": 4}),
     [f"{M}.accelerators: maxReplicas of all entries, 2 + 1 = 3, must reach scaling.maxReplicas (4): raise one, or leave it out of one entry"]),
    ("one kind, room for fewer", model({"type": "H100", "maxReplicas": 2}, scaling={"minReplicas": 3}),
     [f"{M}.accelerators: maxReplicas of all entries, 2, must reach scaling.maxReplicas (3): raise one, or leave it out of one entry"]),
    ("room for fewer than a window wants", model({"type": "H100", "maxReplicas": 2},
     scaling={"schedules": [{"name": "day", "start": "08:00", "end": "18:00", "maxReplicas": 5}]}),
     [f"{M}.accelerators: maxReplicas of all entries, 2, must reach scaling.maxReplicas (5): raise one, or leave it out of one entry"]),
    # Kinds that Ray Serve LLM cannot place, and MIG
    ("Gaudi", kinds("Intel-GAUDI"), [f'{M}.accelerators[0].type: unknown value "Intel-GAUDI"; Gaudi (Ray resource HPU) cannot be used: '
     "Ray Serve LLM 2.60 places engines on CPU, GPU and TPU only"]),
    ("Neuron", kinds("aws-neuron-core"), [f'{M}.accelerators[0].type: unknown value "aws-neuron-core"; AWS Neuron (Ray resource neuron_cores) '
     "cannot be used: Ray Serve LLM 2.60 places engines on CPU, GPU and TPU only"]),
    ("near a TPU", kinds("TPU-V6"), [f'{M}.accelerators[0].type: unknown value "TPU-V6"; did you mean "TPU-V6E"?']),
    ("tensor over MIG slices", model({"type": "A100", "count": 2, "resourceName": "nvidia.com/mig-3g.20gb"}, parallelism={"tensor": 2}),
     [f"{M}.accelerators[0].resourceName: a replica of tensor x pipeline = 2 cannot be made of MIG slices: NVIDIA gives them no way "
      "to reach each other"]),
    # TPU
    ("TPU without topology", kinds("TPU-V6E"), [f"{M}.accelerators[0].topology: required with a TPU type, and only there"]),
    ("topology without TPU", model({"type": "L4", "topology": "2x4"}), [f"{M}.accelerators[0].topology: required with a TPU type, and only there"]),
    ("a slice that there is not", model({"type": "TPU-V6E", "topology": "4x2"}, parallelism={"tensor": 8}),
     [f"{M}.accelerators[0].topology: TPU-V6E has no slice 4x2; there are 2x4"]),
    ("half a slice", model({"type": "TPU-V6E", "topology": "2x4"}, parallelism={"tensor": 4}),
     [f"{M}.parallelism: a replica takes a whole slice 2x4 = 8 chips: tensor x pipeline = 4 x 1 = 4 must be 8"]),
    ("hosts of another size", model({"type": "TPU-V6E", "topology": "4x4", "count": 8}, parallelism={"tensor": 16}),
     [f"{M}.accelerators[0].count: a host of a TPU-V6E slice 4x4 has 4 chips: remove count, or set it to 4"]),
    ("several hosts that scale", model({"type": "TPU-V6E", "topology": "4x4"}, parallelism={"tensor": 16}, scaling={"maxReplicas": 2}),
     [f"{M}.scaling: slices of 4 hosts cannot be autoscaled (Ray asks for one host first, KubeRay adds whole slices): "
      "minReplicas must equal maxReplicas, without schedules"]),
    ("a shared TPU", model({"type": "TPU-V6E", "topology": "1x1", "share": 0.5}),
     [f"{M}.accelerators[0].share: a TPU chip cannot be shared: remove share"]),
    ("TPU with data", model({"type": "TPU-V6E", "topology": "1x1"}, parallelism={"data": 2}),
     [f"{M}.parallelism.data: Ray Serve LLM 2.60 reserves a TPU slice for one engine: set it to 1"]),
    ("TPU, another resource", model({"type": "TPU-V6E", "topology": "1x1", "resourceName": "a.b/tpu"}),
     [f"{M}.accelerators[0].resourceName: Ray counts TPU chips by google.com/tpu: remove it"]),
    ("TPU, its labels by hand", model({"type": "TPU-V6E", "topology": "1x1", "nodeSelector": {"cloud.google.com/gke-tpu-topology": "2x2"}}),
     [f"{M}.accelerators[0].nodeSelector: cloud.google.com/gke-tpu-topology follows from type and topology: remove it"]),
    ("two slices", model({"type": "TPU-V6E", "topology": "2x2"}, {"type": "TPU-V5LITEPOD", "topology": "2x2"}, parallelism={"tensor": 4}),
     [f"{M}.accelerators: all TPU entries must have one type and one topology: Ray is asked for exactly that slice"]),
    # Prefill and decode
    ("halves of an embedder", model(task="Embed", disaggregation={}), [f"{D}: only task Generate has a decode phase: remove it"]),
    ("halves on CPU", kinds("CPU", disaggregation={}),
     [f"{D}.{half}.accelerators: prefill and decode on CPU would compete for the same memory bandwidth, and images for CPU have no NIXL: "
      "choose a GPU, or engine.type Simulated to try the shape" for half in ("prefill", "decode")]),
    ("halves with two kinds", kinds("H100", "L4", disaggregation={}),
     [f"{M}.accelerators: with disaggregation the model has one entry, not 2: give prefill and decode their own"]),
    ("halves with stages", model(H8, parallelism={"tensor": 4, "pipeline": 2}, disaggregation={"prefill": {"parallelism": {"tensor": 4}}}),
     [f"{D}.decode.parallelism.pipeline: 2 must be 1: the connector pairs tensor parallel ranks of the halves and knows no pipeline "
      "stages (use tensor and data)"]),
    ("halves whose ranks do not pair", model(H8, disaggregation={
        "prefill": {"parallelism": {"tensor": 4}},
        "decode": {"accelerators": [{"type": "H100", "count": 6}], "parallelism": {"tensor": 6}}}),
     [f"{D}: prefill has tensor 4 and decode has tensor 6: one must be a multiple of the other, so that each rank finds its KV heads whole"]),
    ("a half that does not fit", model(disaggregation={"decode": {"parallelism": {"tensor": 2}}}),
     [f"{D}.decode.parallelism: {NO_FIT.format(2, 1, 2, 1)}"]),
    ("MoRIIO on NVIDIA", model(disaggregation={"connector": "MoRIIO"}),
     [f"{D}.connector: MoRIIO moves KV blocks between AMD GPUs only, not H100: use Nixl"]),
    ("MoRIIO, one half on NVIDIA", model(AMD, disaggregation={"connector": "MoRIIO", "decode": {"accelerators": [{"type": "L4"}]}}),
     [f"{D}.connector: MoRIIO moves KV blocks between AMD GPUs only, not L4: use Nixl"]),
    ("halves that offload", model(disaggregation={}, kvCache={"offload": {"memory": "8Gi"}}),
     [f"{M}.kvCache.offload: vLLM has one KV connector, which disaggregation takes: remove it, or use disaggregation.connector LMCache, "
      "which keeps blocks in host memory, too"]),
    ("halves on TPU", model({"type": "TPU-V6E", "topology": "1x1"}, disaggregation={}),
     [f"{D}.{half}.accelerators: Ray Serve LLM 2.60 binds KV connectors to placement groups that TPU slices do not have: choose a GPU"
      for half in ("prefill", "decode")]),
    # Names of worker groups
    ("a half's group is a model's", model(disaggregation={}).add_model("m-decode"),
     [f'spec.models[1]: the worker group\'s name "m-decode" is used already at {D}.decode: names must be unique']),
    ("a second kind's group is a model's", kinds("H100", "L4").add_model("m-l4"),
     [f'spec.models[1]: the worker group\'s name "m-l4" is used already at {M}.accelerators[1]: names must be unique']),
    # Resources
    ("RDMA by the GPUs' name", model({"type": "H100", "resourceName": "a.b/c"}, resources={"rdma": {"resourceName": "a.b/c"}}),
     [f"{M}.resources.rdma.resourceName: is the accelerators' resourceName: it must name network devices"]),
    # Queues
    ("a queue without a gang", scheduled(gangQueue="q"), ["spec.scheduling.gangQueue: has no effect without gang: remove it or set gang"]),
    ("KAI without a queue", scheduled(gang="KAI"), ["spec.scheduling.gangQueue: required with gang KAI: its pods wait for ever without a queue"]),
    ("Volcano, long priority", scheduled(gang="Volcano", priorityClassName="p" * 64),
     ["spec.scheduling.priorityClassName: with gang Volcano it is the value of a label, too: at most 63 characters"]),
    ("Kueue and a range", scheduled(model(scaling={"minReplicas": 1, "maxReplicas": 3}), queueName="q"),
     [f"{M}.scaling: {QUEUED} (Kueue refuses autoscaling): minReplicas (1) must equal maxReplicas (3)"]),
    ("Kueue and zero", scheduled(model(scaling={"minReplicas": 0}), queueName="q"),
     [f"{M}.scaling: {QUEUED} (Kueue refuses autoscaling): minReplicas (0) must equal maxReplicas (1)"]),
    ("Kueue and windows", scheduled(model(scaling={"schedules": [
        {"name": "day", "start": "08:00", "end": "18:00", "minReplicas": 1}]}), queueName="q"),
     [f"{M}.scaling.schedules: {QUEUED}: remove it"]),
    ("Kueue and a half's range", scheduled(model(disaggregation={"decode": {"scaling": {"maxReplicas": 2}}}), queueName="q"),
     [f"{D}.decode.scaling: {QUEUED} (Kueue refuses autoscaling): minReplicas (1) must equal maxReplicas (2)"]),
    ("Kueue and many groups", scheduled(kinds("H100", "L4", "T4", "A100").add_model("b", accelerators=[
        {"type": "L4"}, {"type": "T4"}, {"type": "A100"}, {"type": "H100"}]), queueName="q"),
     ["spec.scheduling.queueName: Kueue takes at most 7 worker groups, this needs 8: split it into several LLMDeployments"]),
]  # fmt: skip


@pytest.mark.parametrize(("made", "want"), [pytest.param(made, want, id=name) for name, made, want in WRONG])
def test_refused(made: LLM, want: list[str]) -> None:
    assert errors(made) == want


RIGHT: list[tuple[str, LLM]] = [
    ("share that fits", model({"type": "L4", "share": 0.3}, engine={"gpuMemoryUtilization": 0.33})),
    ("two thirds of a GPU are one replica on it", model({"type": "L4", "share": 0.6}, engine={"gpuMemoryUtilization": 0.9})),
    ("expert without data", model(H8, parallelism={"tensor": 8, "expert": True})),
    ("LoRA on a gang", model(H8, parallelism={"data": 2}, lora={"root": "s3://b/l"})),
    ("halves with LoRA", model(disaggregation={}, lora={"root": "s3://b/l"})),
    ("simulated halves on CPU", kinds("CPU", engine={"type": "Simulated"}, disaggregation={}).with_("spec.ray", {"image": "a/b:1"})),
    ("room that is just enough", model({"type": "H100", "maxReplicas": 2}, {"type": "L4", "maxReplicas": 2}, scaling={"maxReplicas": 4})),
    ("several hosts of a fixed size", model({"type": "TPU-V6E", "topology": "4x4", "count": 4},
     parallelism={"tensor": 8, "pipeline": 2}, scaling={"minReplicas": 2, "maxReplicas": 2})),
    ("one MIG slice per replica", model({"type": "A100", "count": 7, "resourceName": "nvidia.com/mig-1g.10gb"})),
    ("Kueue and a fixed size", scheduled(model(scaling={"minReplicas": 3, "maxReplicas": 3}), queueName="q")),
    ("like-named models without halves", llm("m").add_model("m-decode").add_model("m-l4")),
]  # fmt: skip


@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in RIGHT])
def test_accepted(made: LLM) -> None:
    assert errors(made) == []
