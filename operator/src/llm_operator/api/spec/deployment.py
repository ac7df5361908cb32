"""The whole spec."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from llm_operator.api.rules import models as rules
from llm_operator.api.rules.rollout import INCREMENTAL_AUTOSCALED
from llm_operator.api.spec.application import Application
from llm_operator.api.spec.hardware import Scheduling
from llm_operator.api.spec.head import Head
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.rollout import Rollout
from llm_operator.api.spec.scalars import BY_NAME, ApiModel, Boolean, Cost, Image, Integer, cost, with_rules

DEFAULT_RAY_VERSION: Final = "2.60.0"


class Performance(ApiModel):
    """How requests travel from the Service to the engine.

    On the fast path HAProxy sends them straight to the engine's own HTTP server; Ray's OpenAI ingress and its proxy are left
    out. Then clients of the Service reach all that vLLM 0.29 has, beside /v1/chat/completions, /v1/completions,
    /v1/embeddings, /v1/audio/transcriptions and /v1/models: /v1/responses, /v1/messages, /rerank, /score, /pooling, /classify,
    /tokenize, /detokenize, /invocations, /health, /ping, /version, /load, /metrics, /docs, /openapi.json, and
    /scale_elastic_ep, which changes nothing in an engine that Ray places. What runs code or changes the engine (sleep, RPC, weights,
    profiler, loading of adapters) stays closed: vLLM opens it only by variables that engine.env refuses.
    Every Ray pod listens on 8404 (HAProxy's statistics), 9101 (its metrics) and, with replicas, 30000-31000 (the replicas' own HTTP
    servers), all without authentication: a NetworkPolicy should let only the Service's port 8000 in.
    """

    profile: Literal["Auto", "Throughput", "Classic"] = Field(
        default="Auto",
        description="Auto: the fast path wherever everything works on it, else as Classic; condition FastPath says why. Throughput: the "
        "fast path, and what does not work on it is refused. Classic: Ray Serve's proxy and OpenAI ingress.",
    )


class Autoscaler(ApiModel):
    """Ray's autoscaler: when pods come and go. (When replicas do: models[].scaling.)"""

    idle_timeout_seconds: Integer = Field(
        default=300, ge=10, le=86_400, description="A worker pod without replicas goes after this long, in seconds."
    )
    upscaling_mode: Literal["Default", "Conservative", "Aggressive"] = Field(
        default="Default", description="How many pods are asked for at once (KubeRay autoscalerOptions)."
    )


class Ray(ApiModel):
    """The Ray cluster. A change brings up a new Ray cluster before the old one goes."""

    model_config = with_rules(rules.IMAGE_WITH_VERSION)

    version: Annotated[str, StringConstraints(pattern=r"^2\.[0-9]{1,3}\.[0-9]{1,3}$", max_length=16)] = Field(
        default=DEFAULT_RAY_VERSION,
        description="Version of Ray inside the image; at least 2.54.0 (security fixes).",
    )
    image: Image | None = Field(
        default=None,
        description="Image of head and workers. Default: rayproject/ray-llm of the default version.",
    )
    head: Head = Field(default_factory=Head)
    autoscaler: Autoscaler = Field(default_factory=Autoscaler)


class LLMDeploymentSpec(ApiModel):
    """What the user wants."""

    model_config = with_rules(rules.SOMETHING_TO_SERVE, INCREMENTAL_AUTOSCALED)

    models: tuple[Model, ...] = Field(
        default=(),
        max_length=16,
        description="The models to serve. One that comes or goes leaves the others running, unless the whole cluster's fast path "
        "changes with it (condition FastPath; LoRA and KVAware need another one): that is a new Ray cluster.",
        json_schema_extra=cost(Cost.CREATES, BY_NAME),
    )
    applications: tuple[Application, ...] = Field(
        default=(),
        max_length=16,
        description="Ray Serve applications of your own, beside the models or without any.",
        json_schema_extra=cost(Cost.CREATES, BY_NAME),
    )
    performance: Performance = Field(default_factory=Performance, json_schema_extra=cost(Cost.CLUSTER))
    scheduling: Scheduling = Field(default_factory=Scheduling, json_schema_extra=cost(Cost.CLUSTER))
    ray: Ray = Field(default_factory=Ray, json_schema_extra=cost(Cost.CLUSTER))
    rollout: Rollout = Field(default_factory=Rollout, json_schema_extra=cost(Cost.NOTHING))
    paused: Boolean = Field(
        default=False,
        description="The operator leaves the children alone and goes on reporting.",
        json_schema_extra=cost(Cost.NOTHING),
    )
    suspend: Boolean = Field(
        default=False,
        description="Delete the RayService, free all pods and GPUs, keep this object. Set to false to start again.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    deletion_policy: Literal["Delete", "Orphan"] = Field(
        default="Delete",
        description="What happens to the RayService when this object is deleted. Orphan: it goes on serving, without the operator; a new "
        'LLMDeployment of the same name takes it over with the annotation `llm-operator.io/adopt: "true"`.',
        json_schema_extra=cost(Cost.NOTHING),
    )


def parse_spec(raw: Any) -> LLMDeploymentSpec:
    """The typed spec. Raises pydantic.ValidationError."""
    return LLMDeploymentSpec.model_validate(raw, by_alias=True, by_name=False)
