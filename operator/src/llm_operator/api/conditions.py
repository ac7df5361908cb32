"""Condition types and reasons (a closed list), and how a condition keeps its transition time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MAX_MESSAGE: Final = 1024


class ConditionType(StrEnum):
    """What `status.conditions[].type` may be."""

    ACCEPTED = "Accepted"
    RENDERED = "Rendered"
    READY = "Ready"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    FAST_PATH = "FastPath"
    # kstatus (Flux, Argo CD, kubectl): both are present only while True.
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Reason(StrEnum):
    """What `status.conditions[].reason` may be. Each is documented where `make generate` lists them: the API reference."""

    VALID = "Valid"
    INVALID_SPEC = "InvalidSpec"
    APPLIED = "Applied"
    RENDER_UPGRADE_AVAILABLE = "RenderUpgradeAvailable"
    APPLY_PENDING = "ApplyPending"
    APPLY_REJECTED = "ApplyRejected"
    CHANGE_HELD = "ChangeHeld"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    ROLLED_BACK = "RolledBack"
    FIELDS_PRUNED = "FieldsPruned"
    KUBERAY_NOT_INSTALLED = "KubeRayNotInstalled"
    KUBERAY_REJECTED = "KubeRayRejected"
    NAME_CONFLICT = "NameConflict"
    PAUSED = "Paused"
    SUSPENDED = "Suspended"
    SERVING = "Serving"
    CREATING = "Creating"
    DEPLOYING = "Deploying"
    UPGRADING = "Upgrading"
    DEPLOY_FAILED = "DeployFailed"
    UNHEALTHY = "Unhealthy"
    NO_ENDPOINTS = "NoEndpoints"
    SCALED_TO_ZERO = "ScaledToZero"
    WARMING_UP = "WarmingUp"
    NOT_ANSWERING = "NotAnswering"
    HEAD_LOST = "HeadLost"
    HEAD_RECOVERING = "HeadRecovering"
    TOKENS_STALLED = "TokensStalled"
    STATUS_UNKNOWN = "StatusUnknown"
    INITIALIZING_TIMEOUT = "InitializingTimeout"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    SECRET_KEY_MISSING = "SecretKeyMissing"  # noqa: S105 - a reason, not a secret
    UNSCHEDULABLE = "Unschedulable"
    PODS_FORBIDDEN = "PodsForbidden"
    CONTAINER_EXITED = "ContainerExited"
    OUT_OF_MEMORY = "OutOfMemory"
    # Causes that llm_operator.status.diagnosis finds; each has a row in operator/docs/situations.yaml.
    QUOTA_EXCEEDED = "QuotaExceeded"
    CONFIG_MAP_MISSING = "ConfigMapMissing"
    VOLUME_NOT_READY = "VolumeNotReady"
    DISK_FULL = "DiskFull"
    POD_EVICTED = "PodEvicted"
    CRASH_LOOP = "CrashLoop"
    GCS_STORAGE_LOST = "GcsStorageLost"
    KUBERAY_NOT_RECONCILING = "KubeRayNotReconciling"
    REPLICA_NEVER_FITS = "ReplicaNeverFits"
    MODEL_ACCESS_DENIED = "ModelAccessDenied"
    MODEL_NOT_FOUND = "ModelNotFound"
    MODEL_REVISION_NOT_FOUND = "ModelRevisionNotFound"
    MODEL_SOURCE_UNREACHABLE = "ModelSourceUnreachable"
    MODEL_UNREADABLE = "ModelUnreadable"
    MODEL_NOT_SUPPORTED = "ModelNotSupported"
    ENGINE_ARGUMENT_INVALID = "EngineArgumentInvalid"
    CONTEXT_TOO_LONG = "ContextTooLong"
    KV_CACHE_TOO_SMALL = "KvCacheTooSmall"
    GPU_OUT_OF_MEMORY = "GpuOutOfMemory"
    GPU_MEMORY_TAKEN = "GpuMemoryTaken"
    ENGINE_FAILED = "EngineFailed"
    # Of FastPath: on; off because the profile says so; off because of what plan/data/compatibility-*.yaml says.
    DIRECT_STREAMING = "DirectStreaming"
    CLASSIC_INGRESS = "ClassicIngress"
    RAY_TOO_OLD = "RayTooOld"
    INGRESS_IS_SCALED = "IngressIsScaled"
    ALIASES_NEED_INGRESS = "AliasesNeedIngress"
    ROUTING_NEEDS_INGRESS = "RoutingNeedsIngress"
    AS_EXPECTED = "AsExpected"


class Status(StrEnum):
    """What `status.conditions[].status` may be (metav1.ConditionStatus)."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition before it has a time and a generation."""

    type: ConditionType
    status: Status
    reason: Reason
    message: str = ""

    @property
    def is_true(self) -> bool:
        """Whether the status is True (not False, not Unknown)."""
        return self.status is Status.TRUE


def truncate(message: str) -> str:
    """At most MAX_MESSAGE characters; the end is kept too, since engines say the cause last."""
    if len(message) <= MAX_MESSAGE:
        return message
    half = (MAX_MESSAGE - 5) // 2
    return f"{message[:half]} ... {message[-half:]}"


def merge(
    conditions: Iterable[Condition], previous: Iterable[Mapping[str, Any]], *, generation: int, now: str
) -> list[dict[str, Any]]:
    """metav1 conditions; `lastTransitionTime` is kept unless the status changed, so nothing in status ticks."""
    before = {entry.get("type"): entry for entry in previous}
    merged = []
    for condition in conditions:
        old = before.get(condition.type.value, {})
        same = old.get("status") == condition.status.value
        merged.append(
            {
                "type": condition.type.value,
                "status": condition.status.value,
                "reason": condition.reason.value,
                "message": truncate(condition.message),
                "observedGeneration": generation,
                "lastTransitionTime": old.get("lastTransitionTime", now) if same else now,
            }
        )
    return merged
