"""Constants of the hardware and software that plans are made from: images, device names, default sizes."""

from typing import Final

from llm_operator.api.accelerators import AcceleratorType
from llm_operator.api.quantity import GIB
from llm_operator.api.spec.deployment import DEFAULT_RAY_VERSION
from llm_operator.api.spec.hardware import Accelerator, Toleration

DEFAULT_IMAGE: Final = f"rayproject/ray-llm:{DEFAULT_RAY_VERSION}-py312-cu130"

DEFAULT_DEVICE: Final = "nvidia.com/gpu"
DEVICES: Final[dict[str, str]] = {
    "AMD": "amd.com/gpu",
    "Intel-GPU": "gpu.intel.com/i915",
    "TPU": "google.com/tpu",
}
# GKE's names; Ray's autoscaler knows them, too (Ray 2.60.0, autoscaler/_private/kuberay/utils.py).
_GKE_TPU: Final = {
    AcceleratorType.TPU_V4: "tpu-v4-podslice",
    AcceleratorType.TPU_V5E: "tpu-v5-lite-podslice",
    AcceleratorType.TPU_V5P: "tpu-v5p-slice",
    AcceleratorType.TPU_V6E: "tpu-v6e-slice",
    AcceleratorType.TPU_V7X: "tpu7x",
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


def tpu_node_labels(accelerator: Accelerator) -> dict[str, str]:
    """Labels of the GKE nodes of one slice; {} for all but TPUs. Without them Ray's autoscaler does not know the slice."""
    if accelerator.topology is None:
        return {}
    return {
        "cloud.google.com/gke-tpu-accelerator": _GKE_TPU[accelerator.type],
        "cloud.google.com/gke-tpu-topology": accelerator.topology,
    }


def device_toleration(resource_name: str) -> Toleration:
    """GPU nodes are commonly tainted with their resource's name (what ExtendedResourceToleration does in the API server)."""
    return Toleration(key=resource_name, operator="Exists", effect="NoSchedule")
