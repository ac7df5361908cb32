"""The operator's settings: every field is one environment variable LLM_OPERATOR_<FIELD>. Read here and nowhere else."""

import os
import socket
import uuid
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from llm_operator.api.names import RENDER_VERSIONS
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy

PREFIX: Final = "LLM_OPERATOR_"
_TRUE: Final = {"1", "true", "yes", "on"}
_FALSE: Final = {"0", "false", "no", "off"}


class ConfigError(Exception):
    """A setting is wrong. The message names each variable, what it holds and what is right."""


def _unique_identity() -> str:
    """Unlike a bare host name, differs between two processes started on one developer's machine."""
    return f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"


class Config(BaseModel):
    """All settings, checked. Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    namespaces: tuple[str, ...] = Field(
        (), description="Namespaces to watch, separated by commas. Empty: the whole cluster (needs a ClusterRole)."
    )
    identity: str = Field(
        default_factory=_unique_identity,
        min_length=1,
        max_length=253,
        description="Holder name in the Lease and in events: the pod name. Must differ between replicas.",
    )
    leader_election: bool = Field(
        True, description="Off only for a single process on a developer's machine: two writers would then both write."
    )
    lease_namespace: str = Field(
        "llm-operator-system", min_length=1, description="Namespace of the Lease: the operator's own."
    )
    lease_name: str = Field("llm-operator", min_length=1, description="Name of the Lease; one per installation.")
    lease_seconds: float = Field(
        12, gt=0, le=300, description="A Lease not renewed for so long may be taken by another replica."
    )
    renew_deadline_seconds: float = Field(
        8, gt=0, le=300, description="A leader that could not renew for so long exits. Below lease_seconds (fencing)."
    )
    lease_retry_seconds: float = Field(
        2, gt=0, le=60, description="Time between two tries to get or renew the Lease. Below renew_deadline_seconds."
    )
    workers: int = Field(
        16, ge=1, le=256, description="Reconciles in flight at once. One object is never reconciled twice at a time."
    )
    resync_seconds: float = Field(
        600, gt=0, le=86400, description="Mean time between two full re-syncs (paged LIST of names; prunes ghosts)."
    )
    discovery_seconds: float = Field(
        30, gt=0, le=600, description="While a CRD that we need is absent: time between two looks for it."
    )
    kube_concurrency: int = Field(
        32, ge=1, le=512, description="API requests in flight at once (watches not counted), to spare the API server."
    )
    request_timeout_seconds: float = Field(
        30, gt=0, le=300, description="Limit of one API request, so that a stuck call does not hold a worker."
    )
    backoff_min_seconds: float = Field(1, gt=0, le=60, description="Wait after an object's first failed reconcile.")
    backoff_max_seconds: float = Field(
        300, gt=0, le=3600, description="Longest wait after repeated failures; the wait doubles up to this."
    )
    drain_seconds: float = Field(
        10, ge=0, le=60, description="On SIGTERM, time for reconciles in flight. Below the pod's grace period (30)."
    )
    allow_host_path: bool = Field(
        False,
        description="Let caches be folders of the node (hostPath). Whoever may write an LLMDeployment can then read and write the node's "
        "files as user 1000.",
    )
    application_import_paths: tuple[str, ...] = Field(
        DEFAULT_POLICY.application_import_paths,
        description="Python packages that applications[].importPath may start with, separated by commas: their code runs in the pods.",
    )
    allow_remote_code: bool = Field(
        False,
        description="Let engine.args have trust-remote-code: Python code out of a model's repository then runs in the pods.",
    )
    probes: bool = Field(
        True,
        description="Ask running models whether they answer, so that Ready means served. Off: Ready is what KubeRay and Ray Serve say. "
        "Also off where Services cannot be reached: outside of the cluster.",
    )
    gateway_classes: tuple[str, ...] = Field(
        (),
        description="GatewayClasses that spec.rollout.strategy Incremental may use, separated by commas. Only where KubeRay runs with "
        "--feature-gates=RayServiceIncrementalUpgrade=true. Empty: nobody may use the strategy. Needs the right to read gateways.",
    )
    free_capacity: bool = Field(
        False,
        description="Let spec.rollout.strategy Auto count what is free before it starts a second Ray cluster, and do without one, or wait, "
        "where there is no room. Off where nodes come when pods need them. Needs the right to list all nodes and pods.",
    )
    restart_stalled: bool = Field(
        False,
        description="Let health.tokenProgress.action Restart delete the pod of a stalled replica. Needs the right to delete pods.",
    )
    render_version: str = Field(
        DEFAULT_POLICY.render_version,
        pattern=f"^({'|'.join(RENDER_VERSIONS)})$",
        description="Version of the rendering for new Ray clusters. A RayService keeps the version that it was made with until a change of "
        "its spec needs a new Ray cluster anyway. Lower than the newest: to hold a new rendering back after an upgrade of the operator.",
    )
    http_port: int = Field(8080, ge=1, le=65535, description="Port of /healthz, /readyz and /metrics.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")

    @field_validator("namespaces", "application_import_paths", "gateway_classes", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator(
        "leader_election",
        "allow_host_path",
        "allow_remote_code",
        "probes",
        "free_capacity",
        "restart_stalled",
        mode="before",
    )
    @classmethod
    def _boolean(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.strip().lower() in _TRUE | _FALSE:
            return value.strip().lower() in _TRUE
        raise ValueError("must be true or false")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.lease_retry_seconds < self.renew_deadline_seconds < self.lease_seconds:
            raise ValueError(
                f"{PREFIX}LEASE_RETRY_SECONDS < {PREFIX}RENEW_DEADLINE_SECONDS < {PREFIX}LEASE_SECONDS must hold"
            )
        if self.backoff_min_seconds > self.backoff_max_seconds:
            raise ValueError(f"{PREFIX}BACKOFF_MIN_SECONDS must not exceed {PREFIX}BACKOFF_MAX_SECONDS")
        return self

    @property
    def policy(self) -> Policy:
        """What people who write LLMDeployments may do."""
        return Policy(
            allow_host_path=self.allow_host_path,
            application_import_paths=self.application_import_paths,
            allow_remote_code=self.allow_remote_code,
            gateway_classes=self.gateway_classes,
            free_capacity=self.free_capacity,
            restart_stalled=self.restart_stalled,
            render_version=self.render_version,
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Config":
        """Settings from the environment; empty variables count as unset, unknown ones are not looked at
        (Kubernetes itself injects LLM_OPERATOR_* for Services). Raises ConfigError."""
        source = os.environ if environ is None else environ
        given = {
            name: source[variable]
            for name in cls.model_fields
            if source.get(variable := PREFIX + name.upper(), "").strip()
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ConfigError("; ".join(_explain(item) for item in error.errors())) from None


def _explain(error: Any) -> str:
    if not error["loc"]:
        return str(error["msg"]).removeprefix("Value error, ")
    name = str(error["loc"][0])
    meaning = Config.model_fields[name].description
    return f"{PREFIX}{name.upper()}={error['input']!r}: {error['msg']}. It means: {meaning}"
