"""The answer of the classifier."""

from dataclasses import dataclass
from typing import TypeAlias

from llm_operator.api.change_class import ChangeClass

Paths: TypeAlias = tuple[str, ...]
"""Places in the RayService; in serveConfigV2 those of its JSON, items of lists by name where they have one:
`serveConfigV2.applications[qwen].args.llm_configs[0].engine_kwargs.max_model_len`."""


@dataclass(frozen=True, slots=True)
class ApplicationChange:
    """One Serve application (a model or a custom one) that is there before and after."""

    name: str
    is_model: bool
    """False: one of spec.applications."""
    change_class: ChangeClass
    paths: Paths
    """What is different and decides the class; empty when the class comes from somewhere else (a new Ray cluster that
    another application, or the head, makes necessary)."""
    restarted: tuple[str, ...] = ()
    """Deployments whose replicas Serve restarts; empty unless the class is ReplicaRestart."""
    replicas: int = 0
    """The fewest replicas that a restarted deployment may have, before or after; 0 unless the class is ReplicaRestart.
    Serve stops before it starts (max_surge_percent 0), a fifth of the replicas at a time, at least one
    (Ray 2.60.0, serve/_private/deployment_state.py)."""

    @property
    def interrupted(self) -> bool:
        """There may be a time without any replica: requests wait then."""
        return self.change_class is ChangeClass.REPLICA_RESTART and self.replicas < 2


@dataclass(frozen=True, slots=True)
class Demand:
    """What must be free in the Kubernetes cluster, at the fewest replicas, on top of what the live RayService holds."""

    pods: int = 0
    accelerators: tuple[tuple[str, int], ...] = ()
    """Kinds in Ray's names (`L4`; `GPU` where any kind will do) and numbers, sorted by kind; none with 0."""

    def __str__(self) -> str:
        pods = f"{self.pods} pod" + ("" if self.pods == 1 else "s")
        return f"{pods}, {self.accelerators_text}" if self.accelerators else pods

    @property
    def accelerators_text(self) -> str:
        """`2xH100,1xL4`, as in status.gpus; `0` when none are needed."""
        return ",".join(f"{count}x{kind}" for kind, count in self.accelerators) or "0"


@dataclass(frozen=True, slots=True)
class Change:
    """What applying the wanted RayService would do to the live one."""

    change_class: ChangeClass
    """The dearest of everything below."""
    created: bool
    """There is no live RayService: a first start; then the class is NewCluster."""
    applications: tuple[ApplicationChange, ...]
    """Those that are there before and after, by name; with class None where nothing is different."""
    added: tuple[str, ...]
    """Applications that start."""
    removed: tuple[str, ...]
    """Applications that end; their URLs answer 404 then."""
    cluster_paths: Paths
    """What makes KubeRay start a new Ray cluster; empty otherwise, and for a first start."""
    service_paths: Paths
    """What else is different and is taken over in place."""
    deferred_paths: Paths
    """What KubeRay takes over only when it makes the next Ray cluster: tolerations, labels."""
    demand: Demand
    """On top while it happens; for an in-place change: for good."""

    @property
    def restarted(self) -> tuple[str, ...]:
        """Names of the applications whose replicas restart on the live Ray cluster."""
        return tuple(each.name for each in self.applications if each.change_class is ChangeClass.REPLICA_RESTART)

    @property
    def interrupted(self) -> tuple[str, ...]:
        """Names of the applications that may have no replica for a while if this is applied in place."""
        return tuple(each.name for each in self.applications if each.interrupted)
