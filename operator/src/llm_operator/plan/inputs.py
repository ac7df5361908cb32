"""The input of one sync: everything that was observed, as plain data, and the clock value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Object: TypeAlias = Mapping[str, Any]
"""A Kubernetes object as decoded JSON; never changed in place."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator's administrator allows to the people who write LLMDeployments (llm_operator.config)."""

    allow_host_path: bool = False
    """Caches on folders of the node (`hostPath`): whoever may use them can read and write the node's files there."""
    application_import_paths: tuple[str, ...] = ("llm_serve_app",)
    """Python packages that `applications[].importPath` may start with."""
    allow_remote_code: bool = False
    """Engine argument trust-remote-code: Python code out of the model's repository runs in the pods."""


DEFAULT_POLICY: Final = Policy()


@dataclass(frozen=True, slots=True)
class Scope:
    """One LLMDeployment and what there is of its children. `None` and `()` mean: not there (or not seen yet).

    A child that is missing from a cold cache costs one idempotent apply, never a wrong result.
    """

    parent: Object
    """The LLMDeployment: metadata (name, namespace, uid, generation), spec, status."""
    now: str
    """Current time, RFC 3339 in UTC with seconds, for `lastTransitionTime`."""
    child: Object | None = None
    """The RayService of the same name."""
    clusters: tuple[Object, ...] = ()
    """The RayClusters of that RayService (label llm-operator.io/deployment)."""
    pods: tuple[Object, ...] = ()
    """The Ray pods of those clusters (same label)."""
    kuberay_installed: bool = True
    """Whether the API server knows ray.io/v1 RayService."""
    applied: bool = False
    """`child` is the API server's answer to our own apply of a moment ago: what it lacks, it dropped."""
    apply_error: str | None = None
    """The API server's answer when it refused the last apply of the RayService; None otherwise."""
    policy: Policy = Policy()

    @property
    def name(self) -> str:
        """Name of the LLMDeployment and of its RayService."""
        return str(self.parent["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Namespace of all objects of this scope."""
        return str(self.parent["metadata"]["namespace"])

    @property
    def generation(self) -> int:
        """The generation of the spec in this scope."""
        return int(self.parent["metadata"].get("generation", 0))

    @property
    def status(self) -> Object:
        """The status as last written; {} before the first write."""
        status = self.parent.get("status")
        return status if isinstance(status, Mapping) else {}
