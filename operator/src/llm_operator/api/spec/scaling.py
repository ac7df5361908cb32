"""How many replicas, and when; when a replica counts as healthy."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from llm_operator.api.rules import scaling as rules
from llm_operator.api.spec.scalars import AS_SET, BY_NAME, ApiModel, Cost, Integer, Number, ShortName, cost, with_rules

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
TimeZone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$", max_length=64)]
Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


class Schedule(ApiModel):
    """A weekly window with other bounds. The first window that is open counts; outside of all, scaling's own bounds."""

    model_config = with_rules(rules.SCHEDULE_BOUNDS, rules.SCHEDULE_SETS)

    name: ShortName = Field(description="Name of the window; shown in status while it is open.")
    time_zone: TimeZone = Field(default="UTC", description="IANA time zone of start and end, e.g. Europe/Berlin.")
    days: tuple[Day, ...] = Field(
        default=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        min_length=1,
        max_length=7,
        description="Days on which the window starts; all of them when left out.",
        json_schema_extra=AS_SET,
    )
    start: TimeOfDay = Field(description="First minute of the window, HH:MM in timeZone.")
    end: TimeOfDay = Field(description="Minute in which the window ends; not later than start means: on the next day.")
    min_replicas: Integer | None = Field(
        default=None, ge=0, le=1000, description="Fewest replicas while it is open. Default: scaling.minReplicas."
    )
    max_replicas: Integer | None = Field(
        default=None, ge=1, le=1000, description="Most replicas while it is open. Default: scaling.maxReplicas."
    )


class ScaleToZero(ApiModel):
    """When the last replica goes. A request that arrives at zero waits until one is up."""

    idle_seconds: Integer = Field(
        default=600, ge=1, le=604_800, description="Time without a request before the last replica goes, in seconds."
    )


class Scaling(ApiModel):
    """How many replicas, and when. Edits are applied in place: nothing restarts, but where minReplicas says so."""

    model_config = with_rules(
        rules.MIN_LE_MAX,
        rules.TARGET_LE_MAX_ONGOING,
        rules.LOOK_BACK_GT_INTERVAL,
        rules.INITIAL_WITHIN,
        rules.ZERO_NEEDS_MIN_ZERO,
    )

    min_replicas: Integer = Field(
        default=1,
        ge=0,
        le=1000,
        description="Fewest replicas. 0: the model's pods go when nobody asks. Without the fast path, to or from 0 restarts the replicas: "
        "the ingress moves to the head, or back.",
    )
    max_replicas: Integer | None = Field(
        default=None, ge=1, le=1000, description="Most replicas. Default: minReplicas, at least 1 (a fixed size)."
    )
    initial_replicas: Integer | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Replicas that a new application starts with, between the bounds. Default: minReplicas.",
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
    max_queued_requests: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Most requests that wait in each proxy (on the fast path: at each replica); further ones are answered 503. "
        "Default: no limit.",
    )
    scale_up_delay_seconds: Integer = Field(
        default=30,
        ge=0,
        le=86_400,
        description="How long the load must be high before replicas are added, in seconds. Not from zero: that is at once.",
    )
    scale_down_delay_seconds: Integer = Field(
        default=600,
        ge=0,
        le=86_400,
        description="How long the load must be low before replicas are removed, in seconds.",
    )
    look_back_seconds: Integer | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="Window over which the load is averaged, in seconds: more than metricsIntervalSeconds. Default: 30.",
    )
    metrics_interval_seconds: Integer | None = Field(
        default=None, ge=1, le=3600, description="Time between two reports of the load, in seconds. Default: 10."
    )
    upscaling_factor: Number | None = Field(
        default=None, gt=0, le=10, description="Multiplies each step up; below 1 is cautious. Default: 1."
    )
    downscaling_factor: Number | None = Field(
        default=None, gt=0, le=10, description="Multiplies each step down; below 1 is cautious. Default: 1."
    )
    scale_to_zero: ScaleToZero | None = Field(
        default=None, description="Only with minReplicas 0: when the last replica goes. Default: scaleDownDelaySeconds."
    )
    schedules: tuple[Schedule, ...] = Field(
        default=(),
        max_length=16,
        description="Weekly windows with other bounds.",
        json_schema_extra=BY_NAME,
    )


class Ingress(ApiModel):
    """The OpenAI ingress in front of the engine, scaled apart from it. It takes no accelerator. The fast path has none."""

    model_config = with_rules(rules.INGRESS_BOUNDS)

    min_replicas: Integer = Field(
        default=1, ge=1, le=100, description="Fewest ingress replicas.", json_schema_extra=cost(Cost.NOTHING)
    )
    max_replicas: Integer | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Most ingress replicas. Default: minReplicas (a fixed number).",
        json_schema_extra=cost(Cost.NOTHING),
    )
    target_ongoing_requests: Integer = Field(
        default=200,
        ge=1,
        le=1_000_000,
        description="Requests in flight per ingress replica that the autoscaler aims at.",
        json_schema_extra=cost(Cost.NOTHING),
    )


class TokenProgress(ApiModel):
    """A replica whose engine has requests and makes no token: it may well pass its health checks. Read every quarter of
    stallSeconds from the metrics of the model's pods."""

    stall_seconds: Integer = Field(
        ge=30,
        le=3600,
        description="A replica with running requests and no new token for so long is stalled, in seconds: longer than the engine's "
        "longest step. Condition Degraded then says TokensStalled and names its pod.",
    )
    action: Literal["Report", "Restart"] = Field(
        default="Report",
        description="Restart: the pod of the stalled replica is deleted when no other replica lives in it, so that Ray Serve starts that "
        "one anew. Only where the administrator lets the operator do so (chart value operator.restartStalled).",
    )
    max_restarts_per_hour: Integer = Field(
        default=2,
        ge=1,
        le=60,
        description="Most such restarts of this model in an hour; what stalls beyond that is only reported.",
    )


class Health(ApiModel):
    """When a replica counts as started, healthy, stopped. startupSeconds and warmUp restart the model's replicas; all others
    are applied in place."""

    startup_seconds: Integer = Field(
        default=1800,
        ge=10,
        le=86_400,
        description="An engine that has not started after this long, download included, is stopped and started anew.",
        json_schema_extra=cost(Cost.REPLICAS),
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
        "A new Ray cluster leaves the old one that long. So does a pod that is "
        "deleted, or whose node is drained, for as long as this said when its Ray cluster was made.",
    )
    warm_up: Literal["Operator", "Replica"] = Field(
        default="Operator",
        description="Who makes the first request to a new engine, which takes far longer than those after it. Operator: the operator, before "
        "Ready is said; a new Ray cluster and a replaced replica get requests before that. Replica: each replica itself, before it "
        "counts as started, so that no request ever meets a cold engine; needs an image that contains llm_serve_app. A model that "
        "may have no replica is warmed by Replica only.",
        json_schema_extra=cost(Cost.REPLICAS),
    )
    token_progress: TokenProgress | None = Field(
        default=None, description="Look after engines that hang while they pass their health checks. Default: off."
    )
