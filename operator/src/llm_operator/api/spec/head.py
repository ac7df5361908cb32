"""The head of the Ray cluster, and what happens when its pod is lost."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from llm_operator.api.rules import head as rules
from llm_operator.api.spec.hardware import Resources
from llm_operator.api.spec.scalars import ApiModel, Cost, cost, with_rules
from llm_operator.api.spec.source import SecretKeyRef


class Redis(ApiModel):
    """A Redis that keeps the state of the Ray cluster; one may serve many clusters, each has keys of its own. The connection is not
    encrypted. Its own loss is noticed when the head starts the next time: give it a disk, or replicas."""

    model_config = with_rules(rules.REDIS_USERNAME)

    address: Annotated[
        str,
        StringConstraints(
            pattern=r"^(redis://)?[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?:[1-9][0-9]{0,4}$", max_length=270
        ),
    ] = Field(description="`HOST:PORT`, e.g. `redis.databases.svc:6379`.")
    username: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=64)] | None = Field(
        default=None, description="User of Redis's access lists. Default: Redis's default user."
    )
    password_secret_ref: SecretKeyRef | None = Field(
        default=None,
        description="The password, out of a Secret. KubeRay puts it on a command line unquoted: no blanks, no `*`, no `?`.",
    )


class FaultTolerance(ApiModel):
    """Where the head keeps its state. With it the workers go on answering while a lost head comes back; without it every replica of
    every model starts anew then."""

    redis: Redis


class Head(ApiModel):
    """The head pod: GCS, Serve controller, autoscaler, and the import of vLLM when an application is built. No replica runs here."""

    resources: Resources = Field(default_factory=Resources)
    fault_tolerance: FaultTolerance | None = Field(
        default=None,
        description="Survive the loss of the head's pod. Default: none; condition Accepted then warns where it matters.",
    )
    disruption_budget: Literal["Auto", "Protect", "None"] = Field(
        default="Auto",
        description="Protect: a PodDisruptionBudget lets nobody evict the head; `kubectl drain` of its node waits for you. None: no budget. "
        "Auto: Protect, unless faultTolerance makes an eviction harmless. To drain the node of a protected head: `kubectl cordon` it, "
        "bring up a new Ray cluster on other nodes (rollout.restartedAt), and drain when the old one is gone.",
        json_schema_extra=cost(Cost.NOTHING),
    )
