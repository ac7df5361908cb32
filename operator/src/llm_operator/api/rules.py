"""CEL rules: what the API server refuses at `kubectl apply` and a single field's bounds cannot say.

Each has its twin in `validation.py`, for objects that the operator reads without an API server (`render`) or that were
stored before a rule existed.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL expression over `self`, the message when it is false, and the field that the message is about."""

    expression: str
    message: str
    field_path: str | None = None

    def to_schema(self) -> dict[str, str]:
        """The entry of `x-kubernetes-validations`."""
        entry = {"rule": self.expression, "message": self.message}
        if self.field_path is not None:
            entry["fieldPath"] = self.field_path
        return entry


# RayService names are at most 47 characters (KubeRay 1.6.2, utils/validation.go); 40 leaves room for suffixes.
NAME: Final = Rule(
    "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "must be at most 40 characters, lower case letters, digits and '-', and start with a letter",
    ".metadata.name",
)
# Serve sends a request to the longest route that fits, so the route of such a model would take requests of a model at "/"
# (Ray 2.60.0, llm/_internal/serve/core/ingress/ingress.py); Ray's autoscaler calls the head "headgroup" (2.60.0,
# autoscaler/_private/kuberay/autoscaling_config.py).
RESERVED_NAMES: Final = ("detokenize", "headgroup", "tokenize", "v1")
MODEL_NAME: Final = Rule(
    f"!(self.name in {list(RESERVED_NAMES)})",
    "is reserved (a path of the OpenAI API, or Ray's name of the head): choose another name",
    ".name",
)
# What the API server would say of the pods, only later and in KubeRay's log (Kubernetes, core/validation/validation.go).
TOLERATION_KEY: Final = Rule(
    "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
    "without a key, operator must be Exists (every taint is tolerated)",
    ".operator",
)
TOLERATION_VALUE: Final = Rule(
    "!has(self.value) || !has(self.operator) || self.operator == 'Equal'",
    "operator Exists compares no value: remove it",
    ".value",
)
TOLERATION_SECONDS: Final = Rule(
    "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
    "only effect NoExecute has a time: remove it or set effect to NoExecute",
    ".tolerationSeconds",
)
ENV_ONE_SOURCE: Final = Rule("has(self.value) != has(self.secretKeyRef)", "set exactly one of value and secretKeyRef")
HF_ONLY_REVISION: Final = Rule(
    "!has(self.revision) || self.uri.startsWith('hf://')",
    "only a hf:// source has revisions: remove revision",
    ".revision",
)
HF_ONLY_TOKEN: Final = Rule(
    "!has(self.tokenSecretRef) || self.uri.startsWith('hf://')",
    "only a hf:// source needs a token: remove tokenSecretRef",
    ".tokenSecretRef",
)
CPU_COUNT: Final = Rule(
    "self.type != 'CPU' || !has(self.count) || self.count == 1", "must be 1 with type CPU", ".count"
)
CPU_RESOURCE_NAME: Final = Rule(
    "self.type != 'CPU' || !has(self.resourceName)",
    "type CPU has no device: remove resourceName",
    ".resourceName",
)
TENSOR_FITS: Final = Rule(
    "self.accelerators[0].type == 'CPU' || !has(self.parallelism) || !has(self.parallelism.tensor) || "
    # 0 breaks the field's own bound; CEL would add "modulus by zero".
    "self.parallelism.tensor < 1 || "
    "(has(self.accelerators[0].count) ? self.accelerators[0].count : 1) % self.parallelism.tensor == 0",
    "must divide accelerators[0].count: a replica cannot be split over pods",
    ".parallelism.tensor",
)
CPU_TENSOR: Final = Rule(
    "self.accelerators[0].type != 'CPU' || !has(self.parallelism) || !has(self.parallelism.tensor) || self.parallelism.tensor == 1",
    "must be 1 with accelerator type CPU",
    ".parallelism.tensor",
)
CPU_GPU_MEMORY: Final = Rule(
    "self.accelerators[0].type != 'CPU' || !has(self.engine) || !has(self.engine.gpuMemoryUtilization)",
    "has no effect with accelerator type CPU: remove it",
    ".engine.gpuMemoryUtilization",
)
SHARED_MEMORY_FITS: Final = Rule(
    "!has(self.sharedMemory) || !has(self.memory) || quantity(string(self.sharedMemory)).compareTo(quantity(string(self.memory))) < 0",
    "must be less than memory: /dev/shm counts against it",
    ".sharedMemory",
)
MIN_LE_MAX: Final = Rule(
    "!has(self.maxReplicas) || (has(self.minReplicas) ? self.minReplicas : 1) <= self.maxReplicas",
    "must not be greater than maxReplicas",
    ".minReplicas",
)
TARGET_LE_MAX_ONGOING: Final = Rule(
    "!has(self.maxOngoingRequests) || "
    "(has(self.targetOngoingRequests) ? self.targetOngoingRequests : 64) <= self.maxOngoingRequests",
    "must not be greater than maxOngoingRequests: autoscaling would never happen",
    ".targetOngoingRequests",
)
IMAGE_WITH_VERSION: Final = Rule(
    "!has(self.version) || self.version == '2.60.0' || has(self.image)",
    "required with a version other than the default 2.60.0: version must be the one inside the image",
    ".image",
)
