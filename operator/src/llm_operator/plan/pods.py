"""Of the plan: worker groups and the pods in them. Frozen; tuples, not lists."""

from dataclasses import dataclass
from typing import TypeAlias

from llm_operator.api.spec.hardware import Toleration
from llm_operator.api.spec.source import EnvVar, SecretKeyRef

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""A map of texts, sorted by key."""


@dataclass(frozen=True, slots=True)
class PodResources:
    """Kubernetes quantities of one Ray container."""

    cpu: str
    memory: str
    shared_memory: str
    ephemeral_storage: str | None = None
    devices: tuple[tuple[str, int], ...] = ()
    """Extended resources and their counts per pod, e.g. (("nvidia.com/gpu", 8), ("rdma/ib", 8))."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim."""

    name: str
    sub_path: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One key of a Secret or a ConfigMap, as a file."""

    kind: str
    """`secret` or `configMap`."""
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Scratch:
    """An emptyDir on the node's disk."""

    size_limit: str | None = None


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """A hostPath."""

    path: str


Volume: TypeAlias = Claim | KeyFile | Scratch | NodeFolder


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of a worker pod and where the Ray container sees it."""

    name: str
    path: str
    """A folder; for a KeyFile the file's full path."""
    volume: Volume
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One Ray worker group: pods of one kind, of one model or application."""

    name: str
    owner: str
    """Value of the pods' model label: the group name of the model or application."""
    image: str
    resources: PodResources
    ray_resources: Pairs
    """Logical resources of one pod as Ray counts them: admission tokens, not cores."""
    min_pods: int
    max_pods: int
    node_selector: Pairs = ()
    tolerations: tuple[Toleration, ...] = ()
    runtime_class_name: str | None = None
    default_env: Pairs = ()
    """Variables that the user's own replace."""
    secret_env: tuple[tuple[str, SecretKeyRef], ...] = ()
    env: tuple[EnvVar, ...] = ()
    mounts: tuple[Mount, ...] = ()
    hosts: int = 1
    """KubeRay's numOfHosts: pods that come and go together. Then bounds count such sets."""
    idle_timeout_seconds: int | None = None
