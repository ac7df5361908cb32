"""The plan: every choice made, nothing rendered yet. Frozen; tuples, not lists."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias

from llm_operator.api.conditions import Reason
from llm_operator.api.names import RENDER_VERSIONS, SERVE_PORT
from llm_operator.api.spec.hardware import TopologySpread
from llm_operator.api.spec.head import Redis
from llm_operator.plan.pods import GroupPlan, Pairs, PodResources

Bundle: TypeAlias = tuple[tuple[str, float], ...]
"""Ray resources of one placement group bundle, sorted by name."""


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
class TokenProgressPlan:
    """What is done about replicas that have requests and make no token."""

    stall_seconds: int
    restart: bool
    max_restarts_per_hour: int


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
    task: str = "Generate"
    """Generate, Embed, Score or Transcribe."""
    progress: TokenProgressPlan | None = None
    """None: nobody looks."""


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
class IncrementalPlan:
    """How requests move to a new Ray cluster (spec.rollout.incremental)."""

    gateway_class: str
    step_percent: int
    interval_seconds: int
    surge_percent: int


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
    """Base of the Serve service, without a route: http://NAME-serve-svc.NAMESPACE.svc:8000. With `by_gateway` the Gateway's, and
    empty as long as that has no address."""
    fast_path: FastPath
    applications: tuple[ApplicationPlan, ...] = ()
    head_protected: bool = True
    """The head's pod is not evicted: its loss would stop everything."""
    redis: Redis | None = None
    """Where the head keeps its state; None: its loss is a new start of everything."""
    orphan: bool = False
    """The children have no owner: they outlive the LLMDeployment."""
    scheduling: PodScheduling = PodScheduling()
    env: Pairs = ()
    """Variables of head and workers, beside the fast path's."""
    idle_timeout_seconds: int = 300
    upscaling_mode: str = "Default"
    render_version: str = RENDER_VERSIONS[-1]
    """As which version of the rendering (render/versions.py)."""
    drain_seconds: int = 0
    """What the RayService gives a worker's pod to end its requests (render/drain.py); 0: as the spec says."""
    by_gateway: bool = False
    """Requests come by a Gateway, and each Ray cluster has a Service of its own."""
    incremental: IncrementalPlan | None = None
    """None: a new Ray cluster takes over all at once."""
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
        """OpenAI base URL of one model; empty while there is none."""
        return f"{self.url}{model.serving.route.rstrip('/')}/v1" if self.url else ""

    def url_of_application(self, application: ApplicationPlan) -> str:
        """Base URL of one application; empty while there is none."""
        return f"{self.url}{application.route.rstrip('/')}" if self.url else ""

    def inside(self, cluster: str) -> "Plan":
        """The same with the URL at which the operator itself asks: of the Service of one Ray cluster where each has its own
        (KubeRay 1.6.2, controllers/ray/utils/util.go, GenerateServeServiceName)."""
        if not self.by_gateway:
            return self
        return replace(self, url=f"http://{cluster}-serve-svc.{self.namespace}.svc:{SERVE_PORT}")

    @property
    def cluster_deletion_delay_seconds(self) -> int:
        """How long KubeRay keeps the old cluster after a switch: its streams must be able to end; at least KubeRay's own 60 s."""
        return max(60, self.graceful_seconds)

    @property
    def graceful_seconds(self) -> int:
        """The longest that any replica may finish its requests."""
        probes = [server.probe for model in self.models for server in model.serving.servers]
        probes += [deployment.probe for application in self.applications for deployment in application.deployments]
        return max(probe.graceful_shutdown_s for probe in probes)

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
