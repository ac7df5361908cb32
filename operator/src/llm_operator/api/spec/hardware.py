"""Accelerators, parallelism, and the resources of pods."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from llm_operator.api.accelerators import AcceleratorType
from llm_operator.api.rules import hardware as rules
from llm_operator.api.spec.scalars import (
    ApiModel,
    Boolean,
    Cost,
    Integer,
    LabelKey,
    LabelValue,
    Number,
    ObjectName,
    Quantity,
    ResourceName,
    cost,
    with_rules,
)

QueueName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", max_length=63)]
"""The value of a label."""
TpuTopology = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}x[0-9]{1,3}(x[0-9]{1,3})?$", max_length=11)]


class Toleration(ApiModel):
    """A Kubernetes toleration (core/v1)."""

    model_config = with_rules(rules.TOLERATION_KEY, rules.TOLERATION_VALUE, rules.TOLERATION_SECONDS)

    key: LabelKey | None = Field(default=None, description="Taint key; empty with operator Exists matches every taint.")
    operator: Literal["Exists", "Equal"] = Field(default="Equal", description="How key and value are compared.")
    value: LabelValue | None = Field(default=None, description="Taint value, with operator Equal.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Taint effect; empty matches all."
    )
    toleration_seconds: Integer | None = Field(
        default=None, ge=0, le=31_536_000, description="How long a NoExecute taint is tolerated, in seconds."
    )


class Accelerator(ApiModel):
    """What one Ray worker pod of the model gets. Of several entries the first takes the fewest replicas, and the autoscaler adds
    pods of any of them when more are needed."""

    model_config = with_rules(
        rules.CPU_COUNT, rules.CPU_RESOURCE_NAME, rules.CPU_SHARE, rules.TPU_SHARE, rules.TPU_TOPOLOGY
    )

    type: AcceleratorType = Field(description="Ray's name of the accelerator, or CPU for none.")
    count: Integer = Field(
        default=1,
        ge=1,
        le=16,
        description="Accelerators per pod. With fewer than a replica needs, a replica takes several pods; "
        "with more, a pod holds several replicas. TPU: follows from topology.",
    )
    share: Number | None = Field(
        default=None,
        ge=0.05,
        lt=1,
        description="Fraction of one GPU for one replica, in [0.05, 1): floor(1/share) replicas share each of the pod's GPUs "
        "(nothing isolates them). engine.gpuMemoryUtilization is of the whole GPU; its default is then 0.9 x share. "
        "Default: whole GPUs.",
    )
    max_replicas: Integer | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Most replicas on this kind of pod, e.g. an on-demand floor beside spot capacity. Default: scaling.maxReplicas.",
        json_schema_extra=cost(Cost.NOTHING),
    )
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, max_length=16, description="Labels a node must have."
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(),
        max_length=16,
        description="Tolerations of the pods, besides the one for the accelerator's own taint. "
        "An edit reaches the pods with the next new Ray cluster (KubeRay 1.6 leaves tolerations out of what it compares).",
        json_schema_extra=cost(Cost.NEXT_CLUSTER),
    )
    runtime_class_name: ObjectName | None = Field(default=None, description="RuntimeClass of the pods, e.g. nvidia.")
    resource_name: ResourceName | None = Field(
        default=None,
        description="Kubernetes resource that stands for one accelerator, e.g. nvidia.com/mig-3g.20gb. Default: nvidia.com/gpu "
        "(AMD: amd.com/gpu, Intel: gpu.intel.com/i915, TPU: google.com/tpu).",
    )
    topology: TpuTopology | None = Field(
        default=None,
        description="TPU slice topology, e.g. 2x4; one replica takes a whole slice, so tensor x pipeline is its number of chips. "
        "Only with a TPU type, and required there. GKE only; slices of several hosts need its Ray TPU webhook; the image "
        "must hold vLLM for TPU.",
    )


class Parallelism(ApiModel):
    """How one replica is spread over accelerators: tensor x pipeline of them."""

    tensor: Integer = Field(
        default=1,
        ge=1,
        le=16,
        description="Tensor parallel size: accelerators of one pod that hold each layer together.",
    )
    pipeline: Integer = Field(
        default=1,
        ge=1,
        le=32,
        description="Pipeline parallel size: groups of layers, one after the other; the way over several pods.",
    )
    data: Integer = Field(
        default=1,
        ge=1,
        le=64,
        description="Data parallel size: engines that make up one replica, share one set of experts, and are started and restarted "
        "together. targetOngoingRequests and the other numbers per replica hold for each of them.",
        json_schema_extra=cost(Cost.REPLICAS),
    )
    expert: Boolean = Field(
        default=False,
        description="Spread the experts of a mixture-of-experts model over all tensor x data accelerators.",
        json_schema_extra=cost(Cost.REPLICAS),
    )


class Resources(ApiModel):
    """Resources of one pod."""

    cpu: Quantity | None = Field(
        default=None,
        description="CPU request. No limit is set: a throttled engine misses its health checks. Default: 4 per accelerator; CPU: 2; head: 2.",
    )
    memory: Quantity | None = Field(
        default=None,
        description="Memory request and limit. Default: 32Gi per accelerator; CPU: 8Gi; head: 8Gi.",
    )
    ephemeral_storage: Quantity | None = Field(
        default=None,
        description="Local disk request and limit (weights without a cache land there). Default: none set.",
    )


class Rdma(ApiModel):
    """Network devices for RDMA between the pods of one replica."""

    resource_name: ResourceName = Field(
        description="Kubernetes resource of the device, e.g. rdma/ib. The container runtime of the nodes must allow locked memory "
        "(memlock unlimited): the pods get no capability for it."
    )
    count: Integer = Field(default=1, ge=1, le=32, description="Devices per pod.")


class ModelResources(Resources):
    """Resources of one worker pod of the model."""

    model_config = with_rules(rules.SHARED_MEMORY_FITS)

    shared_memory: Quantity | None = Field(
        default=None,
        description="Size of /dev/shm (object store, NCCL); counts against memory. Default: half of memory.",
    )
    rdma: Rdma | None = Field(default=None, description="RDMA devices of each pod.")


class TopologySpread(ApiModel):
    """A topology spread constraint (core/v1) over the worker pods of each model."""

    topology_key: LabelKey = Field(description="Node label that names the domain, e.g. topology.kubernetes.io/zone.")
    max_skew: Integer = Field(default=1, ge=1, le=100, description="Most difference in pods between two domains.")
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = Field(
        default="ScheduleAnyway", description="What happens to a pod that would break the rule."
    )


class Scheduling(ApiModel):
    """How the Kubernetes scheduler and queue managers see the pods. A change brings up a new Ray cluster."""

    model_config = with_rules(rules.GANG_QUEUE, rules.KAI_QUEUE)

    priority_class_name: ObjectName | None = Field(
        default=None, description="PriorityClass of head and worker pods. Default: the cluster's."
    )
    topology_spread: tuple[TopologySpread, ...] = Field(
        default=(), max_length=4, description="How the worker pods of each model are spread over zones or nodes."
    )
    queue_name: QueueName | None = Field(
        default=None,
        description="Kueue LocalQueue that admits the pods (label kueue.x-k8s.io/queue-name of the RayService). Kueue allows no "
        "autoscaling of pods: every minReplicas must equal its maxReplicas, and there are at most 7 worker groups. Its "
        "ResourceFlavors should set no node labels and tolerations (set accelerators[].nodeSelector and tolerations instead): the "
        "operator writes the pod templates, too. From none to one, or back, is a new Ray cluster.",
        json_schema_extra=cost(Cost.NEXT_CLUSTER),
    )
    gang: Literal["Volcano", "YuniKorn", "KAI"] | None = Field(
        default=None,
        description="Gang scheduler that starts the fewest pods of a Ray cluster together or not at all; KubeRay must run with the "
        "same --batch-scheduler (volcano, yunikorn, kai-scheduler).",
        json_schema_extra=cost(Cost.NEXT_CLUSTER),
    )
    gang_queue: QueueName | None = Field(
        default=None,
        description="Queue of the gang scheduler. Default: its own (Volcano: `default`); required with KAI.",
        json_schema_extra=cost(Cost.NEXT_CLUSTER),
    )
