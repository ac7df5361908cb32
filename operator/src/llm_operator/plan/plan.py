"""The plan: every choice made, nothing rendered yet. Frozen; tuples, not lists."""

from dataclasses import dataclass
from typing import Any

from llm_operator.api.types import EnvVar, SecretKeyRef, Toleration


@dataclass(frozen=True, slots=True)
class PodResources:
    """Kubernetes quantities of one Ray container."""

    cpu: str
    memory: str
    shared_memory: str
    devices: tuple[str, int] | None = None
    """Extended resource and its count per pod, e.g. ("nvidia.com/gpu", 8)."""


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One Ray worker group: the pods of one model."""

    name: str
    image: str
    resources: PodResources
    ray_resources: tuple[tuple[str, str], ...]
    """Logical resources of one pod as Ray counts them: admission tokens, not cores."""
    replicas_per_pod: int
    min_pods: int
    max_pods: int
    node_selector: tuple[tuple[str, str], ...]
    tolerations: tuple[Toleration, ...]
    runtime_class_name: str | None
    env: tuple[EnvVar, ...]
    token: SecretKeyRef | None
    cpu_only: bool


@dataclass(frozen=True, slots=True)
class ServingPlan:
    """One Serve application: ingress and engine of one model."""

    model_id: str
    aliases: tuple[str, ...]
    route: str
    source: str
    engine_kwargs: tuple[tuple[str, Any], ...]
    bundles: tuple[tuple[tuple[str, float], ...], ...]
    accelerator_type: str | None
    group_resource: str
    min_replicas: int
    max_replicas: int
    target_ongoing_requests: int
    max_ongoing_requests: int
    scale_up_delay_seconds: int
    scale_down_delay_seconds: int
    startup_seconds: int
    health_period_seconds: int
    health_timeout_seconds: int
    graceful_shutdown_seconds: int


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One model: what serves it and where."""

    serving: ServingPlan
    group: GroupPlan
    accelerators: str
    """Accelerators of one replica for people, e.g. "2xH100" or "CPU"."""


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

    def url_of(self, model: ModelPlan) -> str:
        """OpenAI base URL of one model."""
        return f"{self.url}{model.serving.route.rstrip('/')}/v1"

    @property
    def cluster_deletion_delay_seconds(self) -> int:
        """How long KubeRay keeps the old cluster after a switch: its streams must be able to end; at least KubeRay's own 60 s."""
        return max(60, *(model.serving.graceful_shutdown_seconds for model in self.models))

    @property
    def gpus(self) -> str:
        """Accelerators at the fewest replicas: "4xH100,1xL4"; "0" for CPU only."""
        totals: dict[str, int] = {}
        for model in self.models:
            if model.group.resources.devices is not None:
                kind = model.serving.accelerator_type or "GPU"
                totals[kind] = totals.get(kind, 0) + model.group.min_pods * model.group.resources.devices[1]
        return ",".join(f"{count}x{kind}" for kind, count in totals.items()) or "0"

    @property
    def replicas(self) -> str:
        """Wanted replicas of all models, fewest-most."""
        fewest = sum(model.serving.min_replicas for model in self.models)
        most = sum(model.serving.max_replicas for model in self.models)
        return span(fewest, most)


def span(fewest: int, most: int) -> str:
    """`"2"` or `"1-4"`."""
    return str(fewest) if fewest == most else f"{fewest}-{most}"
