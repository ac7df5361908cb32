"""How a change reaches what runs, and what happens when it fails."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from llm_operator.api.rules import rollout as rules
from llm_operator.api.spec.scalars import ApiModel, Boolean, Cost, Integer, ObjectName, cost, with_rules

Time = Annotated[
    str,
    StringConstraints(
        pattern=r"^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-5][0-9])$",
        max_length=40,
    ),
]


class Incremental(ApiModel):
    """How requests move to a new Ray cluster, step by step, through a Gateway (Gateway API) that KubeRay makes: NAME-gateway, HTTP on
    port 80. There is no Service with a stable name: clients use status.url, the Gateway's address.

    The new Ray cluster's pods start at once; its replicas start maxSurgePercent at a time, and as many of the old ones stop when the
    requests have moved. KubeRay moves the first step after each surge without waiting for the new replicas: these requests wait until
    one has loaded, and a Gateway that does not know its pod yet answers 503: have it, or clients, try again. An edit that needs a
    restart waits until the change under way is through; another new Ray cluster first brings all requests back to the old one.
    """

    model_config = with_rules(rules.STEP_IN_SURGE)

    gateway_class_name: ObjectName = Field(
        description="GatewayClass of the Gateway; one that the administrator allows (chart value operator.gatewayClasses)."
    )
    step_size_percent: Integer = Field(
        ge=1, le=100, description="Share of the requests that moves at a time, in percent; at most maxSurgePercent."
    )
    interval_seconds: Integer = Field(ge=1, le=86_400, description="Time between two steps, in seconds.")
    max_surge_percent: Integer = Field(
        default=100,
        ge=1,
        le=100,
        description="Share of each model's replicas that start on the new Ray cluster at a time, in percent, at least one replica.",
    )


class Rollout(ApiModel):
    """How a change reaches what runs. What a change does is said before it happens: `llm-operator plan`, status.lastChange.

    While a new Ray cluster is prepared, the old one serves. An edit in that time that changes the Ray cluster again replaces
    the one being prepared; going back to what runs drops it; any other edit goes to it; an edit that changes nothing leaves it
    alone. After the switch, running requests, and those on connections that clients keep open, are answered by the old Ray
    cluster until it goes: after the longest gracefulShutdownSeconds, at least 60 s.
    """

    model_config = with_rules(rules.INCREMENTAL, rules.INCREMENTAL_IN_TIME)

    strategy: Literal["Auto", "InPlace", "BlueGreen", "Incremental", "Recreate"] = Field(
        default="Auto",
        description="Auto: the cheapest way that interrupts nobody: replicas restart one after the other where the model keeps at least one, "
        "otherwise a new Ray cluster takes over when it serves. Where the operator counts what is free (chart value operator.freeCapacity) "
        "and there is no room for a second Ray cluster, replicas restart on the one that is there nevertheless, and a change that needs "
        "another one waits for room (Rendered=False, ChangeHeld). InPlace: never a second Ray cluster; a change that needs one is held back "
        "(Rendered=False, ChangeHeld), and restarts may interrupt a model with one replica. BlueGreen: every change that restarts "
        "replicas becomes a new Ray cluster. Incremental: as BlueGreen, but requests move to it step by step (see incremental); needs "
        "KubeRay's feature gate RayServiceIncrementalUpgrade and the Gateway API, without which changes are held back; switched "
        "only while there is no RayService (spec.suspend), since other Services are made. Recreate: a change that needs a new "
        "Ray cluster stops the old one first, so that no accelerators are needed twice; nothing is served until the new one does.",
    )
    incremental: Incremental | None = Field(
        default=None, description="Numbers of strategy Incremental: required with it, refused without it."
    )
    progress_deadline_seconds: Integer = Field(
        default=3600,
        ge=30,
        le=86_400,
        description="A change that does not serve after this long, in seconds, has failed (Progressing=False, ProgressDeadlineExceeded).",
    )
    auto_rollback: Boolean = Field(
        default=True,
        description="When a change has failed, the last spec that served is in force again until the spec is edited (Degraded=True, "
        "RolledBack; status.rollback). False: the failed change stays applied, and what still serves goes on.",
    )
    restarted_at: Time | None = Field(
        default=None,
        description="Another time starts a new Ray cluster with the same spec, and is the only thing that starts anew what KubeRay or Ray "
        "Serve gave up. Removing it changes nothing.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    revision_history_limit: Integer = Field(
        default=5,
        ge=1,
        le=20,
        description="Specs that served, kept as ControllerRevisions; the newest is the one to go back to.",
    )
