"""Kubernetes quantities: just enough to compare and divide them (k8s.io/apimachinery, pkg/api/resource)."""

import re
from typing import Final

PATTERN: Final = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
_FACTORS: Final = {
    "": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
}  # fmt: skip
MIB: Final = 2**20
GIB: Final = 2**30


def parse(quantity: str) -> float:
    """`"300m"` → 0.3, `"8Gi"` → 8589934592. Raises ValueError for anything PATTERN does not match."""
    if re.match(PATTERN, quantity) is None:
        raise ValueError(f"not a Kubernetes quantity: {quantity!r}")
    number = quantity.rstrip("mkMGTPKi")
    return float(number) * _FACTORS[quantity[len(number) :]]


def mebibytes(amount: float) -> str:
    """Bytes as whole MiB, rounded down, at least 1: `8589934592` → `"8192Mi"`."""
    return f"{max(1, int(amount // MIB))}Mi"
