"""The plan: every choice made, nothing rendered yet. Frozen; tuples, not lists."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from llm_operator.api.conditions import Reason
from llm_operator.api.spec.hardware import Toleration, TopologySpread
from llm_operator.api.spec.source import EnvVar, SecretKeyRef

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""A map of texts, sorted by key."""
Bundle: TypeAlias = tuple[tuple[str, float], ...]
"""Ray resources of one placement group bundle, sorted by name."""


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


@dataclass(frozen=True, slots=True)
class Scale:
    """Serve's autoscaling numbers of one deployment, in Serve's replicas."""

    min_replicas: int
    max_replicas: int
    target_ongoing_requests: int
    max_ongoing_requests: int
    upscale_delay_s: int | None = None
    downscale_delay_s: int | None = None
    downscale_to_zero_delay_s: int | None = None
    initial_replicas: int | None = None
    look_back_period_s: int | None = None
    metrics_interval_s: int | None = None
    upscaling_factor: float | None = None
    downscaling_factor: float | None = None
    max_queued_requests: int | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """Health checks and shutdown of one deployment's replicas, in seconds."""

    period_s: int
    timeout_s: int
    graceful_shutdown_s: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one replica runs."""

    bundles: tuple[Bundle, ...]
    strategy: str
    """STRICT_PACK inside a pod, PACK over several."""
    accelerator_type: str | None = None
    """Ray's name; None for CPU and when several kinds will do."""
    tpu_topology: str | None = None
    """Set: the replica itself reserves its slice, and its actor stands outside of the bundles."""
    token: str = ""
    """Ray resource of the pods that it may run on."""


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """One LLMConfig of Ray Serve LLM."""

    model_id: str
    model_source: str
    engine_kwargs: tuple[tuple[str, Any], ...]
    placement: Placement
    env: Pairs
    """Variables of the replica's processes (runtime_env)."""
    lora: tuple[tuple[str, Any], ...] = ()
    """Ray's LoraConfig; empty without LoRA."""
    router: tuple[tuple[str, Any], ...] = ()
    """Ray's RequestRouterConfig; empty for Ray's default."""
    experimental: tuple[tuple[str, Any], ...] = ()
    """Ray's experimental_configs."""


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """One engine deployment of a Serve application."""

    deployment: str
    engine: EnginePlan
    scale: Scale
    probe: Probe
    aliases: Pairs = ()
    """Other names → model id, on the fast path. Not empty: our server class serves them."""


@dataclass(frozen=True, slots=True)
class IngressPlan:
    """The OpenAI ingress of the classic path: no accelerator, no CPU of Ray's count."""

    resource: str
    """The Ray resource of the pods that it runs on."""
    scale: Scale
    aliases: Pairs
    """Other names → model id (or `model:adapter`). Not empty: our ingress class serves them."""


class Builder(StrEnum):
    """Ray Serve LLM's application builders (Ray 2.60.0, serve/llm/__init__.py)."""

    OPENAI = "ray.serve.llm:build_openai_app"
    DATA_PARALLEL = "ray.serve.llm:build_dp_openai_app"
    PREFILL_DECODE = "ray.serve.llm:build_pd_openai_app"


@dataclass(frozen=True, slots=True)
class ServingPlan:
    """One Serve application of a model."""

    model_id: str
    route: str
    builder: Builder
    servers: tuple[ServerPlan, ...]
    """One; two (prefill, decode) with disaggregation."""
    ingress: IngressPlan | None
    """None on the fast path."""


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One model: what serves it and where."""

    serving: ServingPlan
    groups: tuple[GroupPlan, ...]
    accelerators: str
    """Accelerators of one replica for people, e.g. "2xH100" or "CPU"."""
    held: tuple[tuple[str, int], ...]
    """Kinds and numbers of accelerators held at the fewest replicas."""
    min_replicas: int
    max_replicas: int
    sleeps: bool = False
    """Zero replicas may be wanted at some time."""
    window: str = ""
    """Name of the open schedule; empty outside of all."""


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """One deployment of a custom application."""

    name: str
    scale: Scale
    """Its limits of requests do not count: those below do."""
    cpu: float
    gpu: float
    memory: int | None
    """Bytes."""
    probe: Probe
    max_ongoing_requests: int | None
    """None: what the code says."""
    max_queued_requests: int | None
    """None: what the code says."""
    user_config: tuple[tuple[str, Any], ...] | None
    """None: none is handed over."""


@dataclass(frozen=True, slots=True)
class ApplicationPlan:
    """One custom Serve application and its pods."""

    name: str
    route: str
    import_path: str
    args: tuple[tuple[str, Any], ...]
    group_resource: str
    deployments: tuple[DeploymentPlan, ...]
    group: GroupPlan
    held: tuple[tuple[str, int], ...]
    sleeps: bool = False
    """Every deployment may be at zero replicas at some time."""


@dataclass(frozen=True, slots=True)
class FastPath:
    """Whether requests go from HAProxy straight to the engine, and why (not)."""

    enabled: bool
    reason: Reason
    message: str = ""
    env: Pairs = ()
    """Variables of head and workers."""


@dataclass(frozen=True, slots=True)
class PodScheduling:
    """What all pods of the Ray cluster have in common."""

    priority_class_name: str | None = None
    topology_spread: tuple[TopologySpread, ...] = ()
    labels: Pairs = ()
    """Of the RayService (KubeRay copies them to its RayClusters)."""
    node_autoscaling: bool = True
    """Ray's autoscaler adds and removes pods."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One LLMDeployment, decided."""

    name: str
    namespace: str
    uid: str
    ray_version: str
    head_image: str
    head: PodResources
    models: tuple[ModelPlan, ...]
    url: str
    """Base of the Serve service, without a route: http://NAME-serve-svc.NAMESPACE.svc:8000."""
    fast_path: FastPath
    applications: tuple[ApplicationPlan, ...] = ()
    scheduling: PodScheduling = PodScheduling()
    env: Pairs = ()
    """Variables of head and workers, beside the fast path's."""
    idle_timeout_seconds: int = 300
    upscaling_mode: str = "Default"
    next_change: float | None = None
    """Seconds until a schedule opens or closes; None without schedules."""

    @property
    def groups(self) -> tuple[GroupPlan, ...]:
        """Worker groups of all models and applications."""
        return (
            *(group for model in self.models for group in model.groups),
            *(application.group for application in self.applications),
        )

    @property
    def may_be_empty(self) -> bool:
        """There may be no worker pod: then only the head can take the request that wakes one."""
        asleep = [model.sleeps for model in self.models]
        return any(asleep + [application.sleeps for application in self.applications])

    def url_of(self, model: ModelPlan) -> str:
        """OpenAI base URL of one model."""
        return f"{self.url}{model.serving.route.rstrip('/')}/v1"

    def url_of_application(self, application: ApplicationPlan) -> str:
        """Base URL of one application."""
        return f"{self.url}{application.route.rstrip('/')}"

    @property
    def cluster_deletion_delay_seconds(self) -> int:
        """How long KubeRay keeps the old cluster after a switch: its streams must be able to end; at least KubeRay's own 60 s."""
        probes = [server.probe for model in self.models for server in model.serving.servers]
        probes += [deployment.probe for application in self.applications for deployment in application.deployments]
        return max(60, *(probe.graceful_shutdown_s for probe in probes))

    @property
    def gpus(self) -> str:
        """Accelerators at the fewest replicas: "4xH100,1xL4"; "0" for CPU only."""
        totals: dict[str, int] = {}
        for held in (*(model.held for model in self.models), *(application.held for application in self.applications)):
            for kind, count in held:
                totals[kind] = totals.get(kind, 0) + count
        return ",".join(f"{count}x{kind}" for kind, count in totals.items() if count) or "0"

    @property
    def replicas(self) -> str:
        """Wanted replicas of all models and of all deployments of applications, fewest-most."""
        scales = [deployment.scale for application in self.applications for deployment in application.deployments]
        fewest = sum(model.min_replicas for model in self.models) + sum(scale.min_replicas for scale in scales)
        most = sum(model.max_replicas for model in self.models) + sum(scale.max_replicas for scale in scales)
        return span(fewest, most)


def span(fewest: int, most: int) -> str:
    """`"2"` or `"1-4"`."""
    return str(fewest) if fewest == most else f"{fewest}-{most}"
