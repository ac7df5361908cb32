"""Accelerators, parallelism and resources: the arithmetic of placement."""

from typing import Final

from llm_operator.api.rules.rule import Rule

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
CPU_COUNT: Final = Rule(
    "self.type != 'CPU' || !has(self.count) || self.count == 1", "must be 1 with type CPU", ".count"
)
CPU_RESOURCE_NAME: Final = Rule(
    "self.type != 'CPU' || !has(self.resourceName)",
    "type CPU has no device: remove resourceName",
    ".resourceName",
)
CPU_SHARE: Final = Rule(
    "self.type != 'CPU' || !has(self.share)", "type CPU has no device to share: remove share", ".share"
)
TPU_TOPOLOGY: Final = Rule(
    "has(self.topology) == self.type.startsWith('TPU')",
    "required with a TPU type, and only there",
    ".topology",
)
_TENSOR: Final = "(has(self.parallelism) && has(self.parallelism.tensor) ? self.parallelism.tensor : 1)"
_PIPELINE: Final = "(has(self.parallelism) && has(self.parallelism.pipeline) ? self.parallelism.pipeline : 1)"
ONE_KIND: Final = Rule(
    "self.accelerators.all(a, (a.type == 'CPU') == (self.accelerators[0].type == 'CPU') && "
    "a.type.startsWith('TPU') == self.accelerators[0].type.startsWith('TPU'))",
    "all entries must be GPUs, or all CPU, or all TPU: a replica asks Ray for one of these",
    ".accelerators",
)
ONE_SHARE: Final = Rule(
    "self.accelerators.all(a, has(a.share) == has(self.accelerators[0].share) && "
    "(!has(a.share) || a.share == self.accelerators[0].share))",
    "share must be the same in all entries: a replica asks Ray for one fraction",
    ".accelerators",
)
TPU_SHARE: Final = Rule(
    "!has(self.share) || !self.type.startsWith('TPU')", "a TPU chip cannot be shared: remove share", ".share"
)
_COUNT: Final = "(has(a.count) ? a.count : 1)"
_NEED: Final = f"({_TENSOR} * {_PIPELINE})"
# A value below 1 breaks the field's own bound; CEL would only add "modulus by zero" to that.
SHAPE_FITS: Final = Rule(
    f"{_TENSOR} < 1 || {_PIPELINE} < 1 || self.accelerators.all(a, a.type == 'CPU' || a.type.startsWith('TPU') || has(a.share) || "
    f"{_COUNT} < 1 || "
    f"{_COUNT} % {_NEED} == 0 || ({_COUNT} < {_NEED} && {_NEED} % {_COUNT} == 0 && {_COUNT} % {_TENSOR} == 0))",
    "a replica needs tensor x pipeline accelerators: accelerators[].count must be a multiple of that, or a divisor of it that "
    "tensor divides (then a replica takes several pods)",
    ".parallelism",
)
CPU_PARALLEL: Final = Rule(
    f"self.accelerators.all(a, a.type != 'CPU' && !has(a.share)) || {_NEED} == 1",
    "tensor and pipeline must be 1 with accelerator type CPU, and with share",
    ".parallelism",
)
CPU_GPU_MEMORY: Final = Rule(
    "self.accelerators.all(a, a.type != 'CPU') || !has(self.engine) || !has(self.engine.gpuMemoryUtilization)",
    "has no effect with accelerator type CPU: remove it",
    ".engine.gpuMemoryUtilization",
)
SHARED_MEMORY_FITS: Final = Rule(
    "!has(self.sharedMemory) || !has(self.memory) || quantity(string(self.sharedMemory)).compareTo(quantity(string(self.memory))) < 0",
    "must be less than memory: /dev/shm counts against it",
    ".sharedMemory",
)
GANG_QUEUE: Final = Rule(
    "!has(self.gangQueue) || has(self.gang)", "has no effect without gang: remove it or set gang", ".gangQueue"
)
KAI_QUEUE: Final = Rule(
    "!has(self.gang) || self.gang != 'KAI' || has(self.gangQueue)",
    "required with gang KAI: its pods wait for ever without a queue",
    ".gangQueue",
)
