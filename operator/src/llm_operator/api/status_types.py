"""The LLMDeployment status as pydantic models: only for the CRD, the API reference and one place that says what it holds."""

from typing import Final, Literal

from pydantic import Field

from llm_operator.api.conditions import MAX_MESSAGE, ConditionType, Reason, Status
from llm_operator.api.spec.scalars import ApiModel

MAX_STATE: Final = 64


class ConditionStatus(ApiModel):
    """A condition (metav1.Condition)."""

    type: ConditionType = Field(description="What is said.")
    status: Status = Field(description="True, False or Unknown.")
    reason: Reason = Field(description="Why, from a closed list.")
    message: str = Field(max_length=MAX_MESSAGE, description="The same for people, with what to do.")
    observed_generation: int = Field(ge=0, description="metadata.generation that this was said about.")
    last_transition_time: str = Field(
        max_length=32, description="When status last changed.", json_schema_extra={"format": "date-time"}
    )


class ModelStatus(ApiModel):
    """One model as Ray Serve reports it."""

    name: str = Field(max_length=40, description="Name of the model.")
    ready: Status = Field(
        description="Whether Serve runs the application and its engine is healthy; Unknown when Serve has not answered."
    )
    url: str = Field(max_length=512, description="OpenAI base URL of the model inside the cluster.")
    accelerators: str = Field(max_length=64, description="Accelerators of one replica, e.g. 2xH100.")
    replicas: str = Field(max_length=16, description="Wanted replicas: a number, or fewest-most when autoscaled.")
    schedule: str = Field(
        default="", max_length=20, description="Name of the open window of scaling.schedules; left out when none is."
    )
    state: str = Field(
        max_length=MAX_STATE,
        description="Status of the Serve application, with the engine's deployment: RUNNING/HEALTHY.",
    )
    message: str = Field(
        max_length=MAX_MESSAGE,
        description="What Ray Serve or the engine says about it; empty when all is well.",
    )


class ApplicationStatus(ApiModel):
    """One application of spec.applications as Ray Serve reports it."""

    name: str = Field(max_length=40, description="Name of the application.")
    ready: Status = Field(
        description="Whether Serve runs it and all its deployments are healthy; Unknown when Serve has not answered."
    )
    url: str = Field(max_length=512, description="Base URL of the application inside the cluster.")
    state: str = Field(
        max_length=MAX_STATE,
        description="Status of the Serve application, with that of its worst deployment: RUNNING/HEALTHY.",
    )
    message: str = Field(max_length=MAX_MESSAGE, description="What Ray Serve says about it; empty when all is well.")


class RayServiceStatus(ApiModel):
    """The RayService that belongs to this object."""

    name: str = Field(max_length=63, description="Name of the RayService.")
    generation: int = Field(
        ge=0, description="Its generation after the operator's last look; a foreign edit raises it."
    )
    active_cluster: str = Field(max_length=63, description="RayCluster that serves; empty when none.")
    pending_cluster: str = Field(
        max_length=63, description="RayCluster that is being prepared to take over; empty when none."
    )


class LLMDeploymentStatus(ApiModel):
    """What the operator observed. Nothing in it changes without a cause."""

    observed_generation: int = Field(ge=0, description="metadata.generation that this status is about.")
    url: str = Field(
        max_length=512,
        description="OpenAI base URL inside the cluster (of the first model; without models, URL of the first application).",
    )
    models_ready: str = Field(max_length=16, description="Ready models of all models, e.g. 1/2.")
    applications_ready: str = Field(
        max_length=16, description="Ready applications of all applications, e.g. 1/2; absent without applications."
    )
    replicas: str = Field(
        max_length=32,
        description="Wanted replicas of all models and of all deployments of applications: a number, or fewest-most.",
    )
    gpus: str = Field(
        max_length=1024,
        description="Accelerators held at the fewest replicas, e.g. 4xH100,1xL4; 0 for CPU only.",
    )
    render_version: Literal["1"] = Field(description="Version of the rendering that the RayService was made with.")
    conditions: tuple[ConditionStatus, ...] = Field(
        max_length=16,
        description="Ready is the summary.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    models: tuple[ModelStatus, ...] = Field(
        max_length=16,
        description="Each model.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    applications: tuple[ApplicationStatus, ...] = Field(
        max_length=16,
        description="Each application; absent without applications.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    ray_service: RayServiceStatus = Field(description="The child.")
