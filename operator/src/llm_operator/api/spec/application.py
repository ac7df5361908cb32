"""Custom Ray Serve applications beside, or without, models."""

from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from llm_operator.api.rules import application as rules
from llm_operator.api.spec.hardware import Accelerator, ModelResources
from llm_operator.api.spec.scalars import (
    BY_NAME,
    ApiModel,
    Cost,
    Image,
    Integer,
    ModelName,
    Number,
    Quantity,
    cost,
    with_rules,
)
from llm_operator.api.spec.scaling import Scaling
from llm_operator.api.spec.source import EnvVar

ImportPath = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$", max_length=253
    ),
]
RoutePrefix = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~-]*(/[A-Za-z0-9._~-]+)*$", max_length=128)]
DeploymentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]*$", max_length=128)]
JsonName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", max_length=128)]


class Actor(ApiModel):
    """What one replica of a deployment reserves on its pod, in Ray's count. It replaces what the code says; a change
    restarts the replicas of this deployment."""

    cpu: Number = Field(default=1, ge=0, le=128, description="CPUs of one replica; fractions share one.")
    gpu: Number = Field(
        default=0,
        ge=0,
        le=16,
        description="GPUs of one replica, of workers.accelerators; a fraction shares one, above 1 whole numbers only.",
    )
    memory: Quantity | None = Field(
        default=None, description="Memory of one replica. Default: not counted (nothing limits it but the pod's)."
    )


class ApplicationHealth(ApiModel):
    """When a replica counts as healthy, and how it stops. Applied in place."""

    period_seconds: Integer = Field(
        default=10, ge=1, le=3600, description="Time between two health checks of a replica, in seconds."
    )
    timeout_seconds: Integer = Field(
        default=30, ge=1, le=3600, description="A health check that takes longer has failed, in seconds."
    )
    graceful_shutdown_seconds: Integer = Field(
        default=20, ge=0, le=3600, description="How long a stopping replica may finish its requests, in seconds."
    )


class ApplicationDeployment(ApiModel):
    """One deployment of the application's graph. Exactly one of replicas and scaling, or neither (one replica)."""

    model_config = with_rules(rules.REPLICAS_OR_SCALING, rules.ONGOING_ONCE, rules.QUEUED_ONCE)

    name: DeploymentName = Field(
        description="Name of the deployment in the code (usually its class).", json_schema_extra=cost(Cost.REPLICAS)
    )
    replicas: Integer | None = Field(default=None, ge=1, le=1000, description="A fixed number of replicas. Default: 1.")
    scaling: Scaling | None = Field(default=None, description="Autoscaling of this deployment.")
    actor: Actor = Field(default_factory=Actor, json_schema_extra=cost(Cost.REPLICAS))
    max_ongoing_requests: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Most requests in flight per replica. Default: scaling's; without scaling the code's, or 5 (Serve's).",
    )
    max_queued_requests: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Most requests that wait at each caller; further ones are answered 503. Default: scaling's, or the code's.",
    )
    user_config: dict[JsonName, JsonValue] | None = Field(
        default=None,
        max_length=64,
        description="Handed to the deployment's reconfigure() at start and at each change, in place. To go back to the code's "
        "defaults set {}: Serve tells running replicas nothing when the field goes.",
    )
    health: ApplicationHealth = Field(default_factory=ApplicationHealth)


class Workers(ApiModel):
    """The pods of the application: one worker group. How many follows from the deployments' replicas and their actors: Ray
    counts on each pod the whole CPUs of resources.cpu (at least 1, and what the largest actor needs), the GPUs of
    accelerators and the memory of resources.memory."""

    model_config = with_rules(rules.NO_MODEL_FIELDS)

    accelerators: tuple[Accelerator, ...] = Field(
        default=(),
        max_length=1,
        description="Accelerators of each pod (GPUs; share, maxReplicas and topology are for models). Default: none.",
    )
    resources: ModelResources = Field(default_factory=ModelResources)


class Application(ApiModel):
    """A Ray Serve application of your own."""

    name: ModelName = Field(
        description="Name of the Serve application and, with dots as dashes, of its worker group.",
        json_schema_extra=cost(Cost.CREATES),
    )
    import_path: ImportPath = Field(
        description="`module:attribute` of an application or a builder function. It must be in spec.ray.image: the head "
        "imports it when it builds the application. The operator's administrator says which packages are allowed (default: "
        "llm_serve_app).",
        json_schema_extra=cost(Cost.REPLICAS),
    )
    route_prefix: RoutePrefix | None = Field(
        default=None,
        description="URL path of the application; no other route of the object may lie below it, except below /. Default: /NAME.",
        json_schema_extra=cost(Cost.NOTHING),
    )
    args: dict[JsonName, JsonValue] = Field(
        default_factory=dict,
        max_length=64,
        description="Arguments of the builder function.",
        json_schema_extra=cost(Cost.REPLICAS),
    )
    image: Image | None = Field(
        default=None,
        description="Image of the workers, with the same Ray and Python as spec.ray.image. Default: spec.ray.image.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    env: tuple[EnvVar, ...] = Field(
        default=(),
        max_length=64,
        description="Environment of the workers. (The head, which builds the application, does not have it.)",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    workers: Workers = Field(default_factory=Workers, json_schema_extra=cost(Cost.CLUSTER))
    deployments: tuple[ApplicationDeployment, ...] = Field(
        min_length=1,
        max_length=32,
        description="Every deployment of the application; one that is not listed would run on any pod with a free CPU. "
        "Adding or removing one restarts the application's replicas.",
        json_schema_extra=cost(Cost.NOTHING, BY_NAME),
    )
