"""The LLMDeployment status as pydantic models: only for the CRD, the API reference and one place that says what it holds."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from llm_operator.api.change_class import ChangeClass
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
        description="Whether requests are answered: Serve runs the application, its engine is healthy and the operator's own requests "
        "are answered (those only where it can reach the Service); Unknown when Serve has not said."
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
        description="What Ray Serve or the engine says about it, or why it does not answer; empty when all is well.",
    )
    stall_restarts: tuple[Annotated[str, StringConstraints(max_length=40)], ...] = Field(
        default=(),
        max_length=60,
        description="When pods of stalled replicas were deleted (health.tokenProgress), within the hour before the last one.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
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


class LastChangeStatus(ApiModel):
    """The last change of what runs. An edit that changes nothing that runs is none."""

    generation: int = Field(ge=0, description="metadata.generation that it was made for.")
    change_class: ChangeClass = Field(
        alias="class",
        description="What it does: InPlace (no replica restarts), ReplicaRestart (on the same Ray cluster) or NewCluster (a new Ray "
        "cluster takes over when it serves).",
    )
    message: str = Field(max_length=MAX_MESSAGE, description="The same for people: what happens, why, and who notices.")
    strategy: str = Field(max_length=32, description="How it is carried out: Create, InPlace, BlueGreen or Recreate.")
    extra_pods: int = Field(
        ge=0,
        description="Pods that it needs on top: of a NewCluster while it goes on, else for good. At the fewest replicas.",
    )
    extra_accelerators: str = Field(
        max_length=1024, description="Accelerators that it needs on top, e.g. 4xH100; 0 for none."
    )
    started_at: str = Field(
        max_length=32, description="When it was applied or announced.", json_schema_extra={"format": "date-time"}
    )
    finished_at: str = Field(
        max_length=32,
        description="When everything served as it should; absent while it goes on.",
        json_schema_extra={"format": "date-time"},
    )


class MeasuredStatus(ApiModel):
    """How long the last change of each class took, in seconds; absent before the first one, and of changes that met others."""

    in_place_seconds: int = Field(ge=0, description="Of changes of class InPlace.")
    replica_restart_seconds: int = Field(ge=0, description="Of changes of class ReplicaRestart.")
    new_cluster_seconds: int = Field(ge=0, description="NewCluster, the first start included.")


class RetryStatus(ApiModel):
    """An application that Ray Serve gave up, and that is tried again."""

    name: str = Field(max_length=40, description="Name of the model or application.")
    attempts: int = Field(ge=0, description="Retries since it last served or the spec was last edited; at most 3.")
    number: int = Field(ge=0, description="Number of the last retry, as the RayService holds it.")
    due_at: str = Field(
        max_length=32, description="When it is tried again, or given up; empty while it has not failed (again)."
    )


class RollbackStatus(ApiModel):
    """Another spec than the newest is in force."""

    failed_generation: int = Field(
        ge=0,
        description="metadata.generation that failed; 0 when the newest spec is in force. An edit ends the rollback.",
    )
    revision: str = Field(max_length=63, description="ControllerRevision whose spec is in force; empty when none is.")
    message: str = Field(max_length=MAX_MESSAGE, description="Why; empty when no rollback is in force.")
    dropped_clusters: tuple[Annotated[str, StringConstraints(max_length=63)], ...] = Field(
        max_length=3,
        description="Ray clusters under preparation that were dropped for it.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
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
    render_version: str = Field(
        max_length=16, description="Version of the rendering that the RayService was made with."
    )
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
    retries: tuple[RetryStatus, ...] = Field(
        max_length=32,
        description="Applications that failed and are tried again; absent before the first one.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    rollback: RollbackStatus = Field(description="Absent before the first rollback.")
    last_change: LastChangeStatus = Field(description="The last change of what runs.")
    measured: MeasuredStatus = Field(description="How long changes took; `llm-operator plan` estimates from it.")
