"""The input of one sync: everything that was observed, as plain data, and the clock value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from llm_operator.api.names import RENDER_VERSIONS
from llm_operator.capacity.room import Room

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
    render_version: str = RENDER_VERSIONS[-1]
    """The version that new Ray clusters are rendered as."""
    gateway_classes: tuple[str, ...] = ()
    """GatewayClasses that spec.rollout.strategy Incremental may use; () = nobody may use the strategy. Not empty only where KubeRay
    has the feature gate RayServiceIncrementalUpgrade on (alpha and off in 1.6.2; nothing in the API shows it)."""
    free_capacity: bool = False
    """Strategy Auto asks whether there is room for a second Ray cluster (nodes and pods of the whole cluster are listed)."""
    restart_stalled: bool = False
    """The operator may delete the pod of a replica that makes no token (health.tokenProgress.action Restart)."""


DEFAULT_POLICY: Final = Policy()


@dataclass(frozen=True, slots=True)
class Probed:
    """What the last questions to one model or application showed (llm_operator.probe)."""

    cluster: str
    """RayCluster that was active when it was asked."""
    served: bool
    """It answers, and it has answered a first request."""
    warming: bool = False
    """Not served, but only because it has not answered its first request yet."""
    error: str = ""
    """Why it is not served, in words that stay the same as long as the cause does."""


@dataclass(frozen=True, slots=True)
class Stall:
    """A replica with running requests that has made no token for as long as the model's stallSeconds."""

    model: str
    pod: str
    uid: str
    """Of the pod."""
    replica: str
    alone: bool
    """No other replica lives in the pod."""


@dataclass(frozen=True, slots=True)
class GatewaySeen:
    """What there is for strategy Incremental."""

    served: bool = True
    """The API server knows gateway.networking.k8s.io/v1 Gateway and HTTPRoute."""
    class_found: bool = True
    """The GatewayClass is there, or the operator may not look."""
    address: str = ""
    """Of the Gateway that KubeRay made; empty: none yet."""


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
    others: tuple[Object, ...] = ()
    """Further children that are there (same label), each with apiVersion and kind; see `render.children`."""
    kuberay_installed: bool = True
    """Whether the API server knows ray.io/v1 RayService."""
    gateway: GatewaySeen | None = None
    """None: not looked at, since spec.rollout.strategy is another one, or by nobody (`llm-operator plan`)."""
    room: Room | None = None
    """For the second Ray cluster that `Outcome.room_for` asked about; None: nobody has counted."""
    applied: bool = False
    """`child` is the API server's answer to our own apply of a moment ago: what it lacks, it dropped."""
    apply_error: str | None = None
    """The API server's answer when it refused the last apply of the RayService; None otherwise."""
    objects_error: str | None = None
    """Why one of the further children could not be written a moment ago; None otherwise."""
    policy: Policy = Policy()
    probes: Mapping[str, Probed] | None = None
    """Model or application → what it answered; one that is missing was not asked yet. None: nobody asks (switched off, or
    the operator is outside of the cluster), so Ready is what KubeRay and Serve say."""
    stalls: tuple[Stall, ...] = ()
    """Stalled replicas, of the models that ask for that."""

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
