"""The LLMDeployment spec as pydantic models: only data, bounds and documentation.

One source: the CRD, the API reference and the validation of what reaches the operator are all made from here.
Rules that need more than one field are CEL rules in `rules.py` (attached here) and, once more, `validation.py`.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, Strict, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

from llm_operator.api import quantity, rules
from llm_operator.api.accelerators import AcceleratorType

NAME_PATTERN: Final = r"^[a-z]([-a-z0-9.]*[a-z0-9])?$"
DNS_SUBDOMAIN_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
LABEL_KEY_PATTERN: Final = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"

DEFAULT_RAY_VERSION: Final = "2.60.0"

# No text that looks like a number: the API server refuses that too (tests/apiserver).
Integer = Annotated[int, Strict()]
Boolean = Annotated[bool, Strict()]
Number = Annotated[float, Strict()]


def _quantity_text(value: Any) -> Any:
    """`cpu: 2` is `cpu: "2"`, as everywhere in Kubernetes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_quantity_text),
    StringConstraints(pattern=quantity.PATTERN, max_length=24),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "pattern": quantity.PATTERN, "maxLength": 24}),
]
Image = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$", max_length=512)]
ModelName = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=40)]
Alias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$", max_length=128)]
ObjectName = Annotated[str, StringConstraints(pattern=DNS_SUBDOMAIN_PATTERN, max_length=253)]
SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
EnvValue = Annotated[str, StringConstraints(max_length=4096)]
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY_PATTERN, max_length=317)]
LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63)]
Uri = Annotated[
    str,
    StringConstraints(
        # [A-Za-z0-9] starts every part, so neither "..", an option ("--x") nor a blank can be part of it.
        pattern=r"^(hf://[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*|file:///[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*)$",
        max_length=512,
    ),
]
Revision = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=128)]
EngineArgName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=64)]
ResourceName = Annotated[str, StringConstraints(pattern=LABEL_KEY_PATTERN, max_length=253)]


class ApiModel(BaseModel):
    """Camel case outside, snake case inside, frozen, and an unknown field (snake case included) is an error."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


def _rules(*validations: rules.Rule) -> ConfigDict:
    schemas: list[JsonValue] = [dict[str, JsonValue](rule.to_schema()) for rule in validations]
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": schemas})


class SecretKeyRef(ApiModel):
    """One key of a Secret in the namespace of the LLMDeployment. The operator never reads it: the kubelet does."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: SecretKey = Field(description="Key inside the Secret.")


class EnvVar(ApiModel):
    """One environment variable of the model's Ray worker container."""

    model_config = _rules(rules.ENV_ONE_SOURCE)

    name: EnvName = Field(
        description="Name of the variable. Names that the operator owns (RAY_*, HF_TOKEN, …) are refused."
    )
    value: EnvValue | None = Field(default=None, description="Literal value. Never a secret: use secretKeyRef.")
    secret_key_ref: SecretKeyRef | None = Field(default=None, description="Take the value from a Secret.")


class Source(ApiModel):
    """Where the weights come from."""

    model_config = _rules(rules.HF_ONLY_REVISION, rules.HF_ONLY_TOKEN)

    uri: Uri = Field(description="`hf://ORG/REPO` (Hugging Face hub) or `file:///PATH` (a folder inside the image).")
    revision: Revision | None = Field(
        default=None,
        description="Commit, tag or branch of the hub repository. Pin a commit in production. Only with hf://.",
    )
    token_secret_ref: SecretKeyRef | None = Field(
        default=None,
        description="Hub token for gated or private repositories; reaches the pods as HF_TOKEN. Only with hf://.",
    )


class Engine(ApiModel):
    """The inference engine and its settings. A change restarts the replicas of this model only, the pods stay;
    `image` and `env` are part of the pods, so a change of those brings up a new Ray cluster first."""

    type: Literal["vLLM"] = Field(default="vLLM", description="The engine.")
    image: Image | None = Field(default=None, description="Image of this model's Ray workers. Default: spec.ray.image.")
    context_length: Integer | None = Field(
        default=None,
        ge=16,
        le=16_777_216,
        description="Longest prompt plus answer, in tokens (vLLM max_model_len). Default: the model's own.",
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        default="auto", description="Type of weights and activations."
    )
    quantization: (
        Literal[
            "awq",
            "awq_marlin",
            "bitsandbytes",
            "compressed-tensors",
            "fp8",
            "gptq",
            "gptq_marlin",
            "modelopt",
            "mxfp4",
        ]
        | None
    ) = Field(
        default=None,
        description="How the weights are quantized. Default: what the model's own configuration says.",
    )
    gpu_memory_utilization: Number | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of the GPU's memory that the engine may take, in (0, 1]. vLLM's default is 0.9 or above. Not with type CPU.",
    )
    max_num_seqs: Integer | None = Field(
        default=None, ge=1, le=65_536, description="Most sequences in one engine step. Default: vLLM's."
    )
    args: dict[EngineArgName, JsonValue] = Field(
        default_factory=dict,
        max_length=64,
        description="Further vLLM engine arguments, `max-num-batched-tokens` or `max_num_batched_tokens`, checked against vLLM's own names. "
        "Arguments that run code or that the operator owns are refused.",
    )
    env: tuple[EnvVar, ...] = Field(default=(), max_length=64, description="Environment of the model's workers.")


class Toleration(ApiModel):
    """A Kubernetes toleration (core/v1)."""

    model_config = _rules(rules.TOLERATION_KEY, rules.TOLERATION_VALUE, rules.TOLERATION_SECONDS)

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
    """What one Ray worker pod of the model gets."""

    model_config = _rules(rules.CPU_COUNT, rules.CPU_RESOURCE_NAME)

    type: AcceleratorType = Field(description="Ray's name of the accelerator, or CPU for none.")
    count: Integer = Field(
        default=1, ge=1, le=16, description="Accelerators per pod. Holds count / parallelism.tensor replicas."
    )
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, max_length=16, description="Labels a node must have."
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(),
        max_length=16,
        description="Tolerations of the pods, besides the one for the accelerator's own taint. "
        "An edit reaches the pods with the next new Ray cluster (KubeRay 1.6 leaves tolerations out of what it compares).",
    )
    runtime_class_name: ObjectName | None = Field(default=None, description="RuntimeClass of the pods, e.g. nvidia.")
    resource_name: ResourceName | None = Field(
        default=None,
        description="Kubernetes resource that stands for one accelerator. Default: nvidia.com/gpu (AMD: amd.com/gpu, Intel: gpu.intel.com/i915).",
    )


class Parallelism(ApiModel):
    """How one replica is spread over accelerators."""

    tensor: Integer = Field(
        default=1,
        ge=1,
        le=16,
        description="Tensor parallel size: accelerators of one node that hold one replica together.",
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


class ModelResources(Resources):
    """Resources of one worker pod of the model."""

    model_config = _rules(rules.SHARED_MEMORY_FITS)

    shared_memory: Quantity | None = Field(
        default=None,
        description="Size of /dev/shm (object store, NCCL); counts against memory. Default: half of memory.",
    )


class Scaling(ApiModel):
    """How many replicas, and when. Every edit of these is applied in place: nothing restarts."""

    model_config = _rules(rules.MIN_LE_MAX, rules.TARGET_LE_MAX_ONGOING)

    min_replicas: Integer = Field(default=1, ge=1, le=1000, description="Fewest replicas.")
    max_replicas: Integer | None = Field(
        default=None, ge=1, le=1000, description="Most replicas. Default: minReplicas (a fixed size)."
    )
    target_ongoing_requests: Integer = Field(
        default=64,
        ge=1,
        le=1_000_000,
        description="Requests in flight per replica that the autoscaler aims at.",
    )
    max_ongoing_requests: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Most requests in flight per replica; further ones queue. Default: twice targetOngoingRequests.",
    )
    scale_up_delay_seconds: Integer = Field(
        default=30,
        ge=0,
        le=86_400,
        description="How long the load must be high before replicas are added, in seconds.",
    )
    scale_down_delay_seconds: Integer = Field(
        default=600,
        ge=0,
        le=86_400,
        description="How long the load must be low before replicas are removed, in seconds.",
    )


class Health(ApiModel):
    """When a replica counts as started, healthy, stopped. periodSeconds, timeoutSeconds and gracefulShutdownSeconds
    are applied in place; startupSeconds restarts the model's replicas."""

    startup_seconds: Integer = Field(
        default=1800,
        ge=10,
        le=86_400,
        description="An engine that has not started after this long, download included, is stopped and started anew.",
    )
    period_seconds: Integer = Field(
        default=10, ge=1, le=3600, description="Time between two health checks of a replica, in seconds."
    )
    timeout_seconds: Integer = Field(
        default=30,
        ge=1,
        le=3600,
        description="A health check that takes longer has failed, in seconds. Three in a row restart the replica.",
    )
    graceful_shutdown_seconds: Integer = Field(
        default=120,
        ge=0,
        le=3600,
        description="How long a stopping replica may finish its requests, in seconds: at least the longest generation. "
        "The pods of a drained node get 120 s.",
    )


class Model(ApiModel):
    """One model: one Serve application and one worker group, so that editing one leaves the others running."""

    model_config = _rules(rules.MODEL_NAME, rules.TENSOR_FITS, rules.CPU_TENSOR, rules.CPU_GPU_MEMORY)

    name: ModelName = Field(
        description="Name in the OpenAI API, of the Serve application and, with dots as dashes, of the worker group."
    )
    aliases: tuple[Alias, ...] = Field(
        default=(),
        max_length=16,
        description="Further names that clients may use. Editing the list restarts nothing; going from none to some restarts the model. "
        "Needs an image that contains llm_serve_app.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    source: Source
    engine: Engine = Field(default_factory=Engine)
    accelerators: tuple[Accelerator, ...] = Field(
        min_length=1, max_length=1, description="The hardware of the model's worker pods."
    )
    parallelism: Parallelism = Field(default_factory=Parallelism)
    resources: ModelResources = Field(default_factory=ModelResources)
    scaling: Scaling = Field(default_factory=Scaling)
    health: Health = Field(default_factory=Health)


class Head(ApiModel):
    """The head pod: GCS, Serve controller, autoscaler, and the import of vLLM when an application is built. No replica runs here."""

    resources: Resources = Field(default_factory=Resources)


class Ray(ApiModel):
    """The Ray cluster. A change brings up a new Ray cluster before the old one goes."""

    model_config = _rules(rules.IMAGE_WITH_VERSION)

    version: Annotated[str, StringConstraints(pattern=r"^2\.[0-9]{1,3}\.[0-9]{1,3}$", max_length=16)] = Field(
        default=DEFAULT_RAY_VERSION,
        description="Version of Ray inside the image; at least 2.54.0 (security fixes).",
    )
    image: Image | None = Field(
        default=None,
        description="Image of head and workers. Default: rayproject/ray-llm of the default version.",
    )
    head: Head = Field(default_factory=Head)


class LLMDeploymentSpec(ApiModel):
    """What the user wants."""

    models: tuple[Model, ...] = Field(
        min_length=1,
        max_length=16,
        description="The models to serve.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    ray: Ray = Field(default_factory=Ray)
    paused: Boolean = Field(default=False, description="The operator leaves the children alone and goes on reporting.")
    suspend: Boolean = Field(
        default=False,
        description="Delete the RayService, free all pods and GPUs, keep this object. Set to false to start again.",
    )


def parse_spec(raw: Any) -> LLMDeploymentSpec:
    """Raises pydantic.ValidationError; `validation.validate` turns it into field errors."""
    return LLMDeploymentSpec.model_validate(raw)
