"""Accelerator names as Ray spells them (Ray 2.60.0, ray/util/accelerators/accelerators.py), and CPU for none."""

from enum import StrEnum


class AcceleratorType(StrEnum):
    """A kind of GPU that Ray Serve LLM 2.60 runs vLLM on, or CPU."""

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
    GPU_MAX_1550 = "Intel-GPU-Max-1550"
    MI210 = "AMD-Instinct-MI210"
    MI250X = "AMD-Instinct-MI250X"
    MI300X = "AMD-Instinct-MI300X-OAM"
    MI325X = "AMD-Instinct-MI325X-OAM"
    MI350X = "AMD-Instinct-MI350X-OAM"
    MI355X = "AMD-Instinct-MI355X-OAM"
