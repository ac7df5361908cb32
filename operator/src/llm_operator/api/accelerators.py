"""Accelerator names as Ray spells them (Ray 2.60.0, ray/util/accelerators/accelerators.py), and CPU for none."""

from enum import StrEnum
from typing import Final


class AcceleratorType(StrEnum):
    """A kind of GPU or TPU that Ray Serve LLM 2.60 runs vLLM on, or CPU."""

    CPU = "CPU"
    V100 = "V100"
    T4 = "T4"
    A10G = "A10G"
    L4 = "L4"
    L40S = "L40S"
    A100 = "A100"
    A100_40G = "A100-40G"
    A100_80G = "A100-80G"
    H20 = "H20"
    H100 = "H100"
    H200 = "H200"
    B200 = "B200"
    B300 = "B300"
    GB200 = "GB200"
    GB300 = "GB300"
    RTX_PRO_6000 = "RTX-PRO-6000"
    GPU_MAX_1100 = "Intel-GPU-Max-1100"
    GPU_MAX_1550 = "Intel-GPU-Max-1550"
    MI210 = "AMD-Instinct-MI210"
    MI250X = "AMD-Instinct-MI250X"
    MI300A = "AMD-Instinct-MI300A"
    MI300X = "AMD-Instinct-MI300X-OAM"
    MI308X = "AMD-Instinct-MI308X"
    MI325X = "AMD-Instinct-MI325X-OAM"
    MI350X = "AMD-Instinct-MI350X-OAM"
    MI355X = "AMD-Instinct-MI355X-OAM"
    TPU_V4 = "TPU-V4"
    TPU_V5E = "TPU-V5LITEPOD"
    TPU_V5P = "TPU-V5P"
    TPU_V6E = "TPU-V6E"
    TPU_V7X = "TPU-V7X"

    @property
    def is_tpu(self) -> bool:
        """Ray counts it as TPU, not as GPU."""
        return self.value.startswith("TPU")

    @property
    def is_amd(self) -> bool:
        """Runs ROCm."""
        return self.value.startswith("AMD")

    @property
    def is_gpu(self) -> bool:
        """Ray counts it as GPU, whoever made it."""
        return self is not AcceleratorType.CPU and not self.is_tpu


# Ray knows these devices, but Ray Serve LLM does not: its kinds are cpu, gpu and tpu, it would take a bundle of any other
# resource for one without accelerator, and with kind gpu starts tasks that ask for a GPU
# (Ray 2.60.0, llm/_internal/serve/core/configs/accelerators.py; tests/unit/plan/test_placement_ray.py).
UNSUPPORTED: Final = {
    "Intel-GAUDI": "Gaudi (Ray resource HPU)",
    "aws-neuron-core": "AWS Neuron (Ray resource neuron_cores)",
    "Ascend910B": "Ascend (Ray resource NPU)",
}


def unsupported(name: str) -> str | None:
    """Why Ray Serve LLM cannot use this accelerator; None when there is nothing special to say."""
    folded = name.casefold().replace("_", "-")
    for known, words in UNSUPPORTED.items():
        if folded == known.casefold() or folded in known.casefold().split("-"):
            return f"{words} cannot be used: Ray Serve LLM 2.60 places engines on CPU, GPU and TPU only"
    return None
