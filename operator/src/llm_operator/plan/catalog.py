"""Constants of the hardware and software that plans are made from: images, device names, default sizes."""

from typing import Final

from llm_operator.api.accelerators import AcceleratorType
from llm_operator.api.quantity import GIB
from llm_operator.api.spec.deployment import DEFAULT_RAY_VERSION
from llm_operator.api.spec.hardware import Toleration

DEFAULT_IMAGE: Final = f"rayproject/ray-llm:{DEFAULT_RAY_VERSION}-py312-cu130"

DEFAULT_DEVICE: Final = "nvidia.com/gpu"
DEVICES: Final[dict[str, str]] = {
    "AMD": "amd.com/gpu",
    "Intel-GPU": "gpu.intel.com/i915",
}

HEAD_CPU: Final = "2"
# The head imports ray.serve.llm, and with it vLLM, when it builds an application; Ray's own samples give it 5 to 8 GiB.
HEAD_MEMORY: Final = "8Gi"
CPU_PER_ACCELERATOR: Final = 4
MEMORY_PER_ACCELERATOR: Final = 32 * GIB
CPU_ONLY_CPU: Final = "2"
CPU_ONLY_MEMORY: Final = "8Gi"


def device(accelerator: AcceleratorType) -> str:
    """The extended resource of an accelerator as its vendor's device plugin names it."""
    return next((name for prefix, name in DEVICES.items() if accelerator.value.startswith(prefix)), DEFAULT_DEVICE)


def device_toleration(resource_name: str) -> Toleration:
    """GPU nodes are commonly tainted with their resource's name (what ExtendedResourceToleration does in the API server)."""
    return Toleration(key=resource_name, operator="Exists", effect="NoSchedule")
