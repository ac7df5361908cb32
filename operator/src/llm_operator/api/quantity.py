"""Kubernetes quantities: just enough to compare and divide them (k8s.io/apimachinery, pkg/api/resource)."""

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Final

PATTERN: Final = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
_FACTORS: Final = {
    "": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
}  # fmt: skip
_DECIMAL: Final = (("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0), ("m", -3), ("u", -6), ("n", -9))
_BINARY: Final = ("Pi", "Ti", "Gi", "Mi", "Ki")
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


@lru_cache(maxsize=1024)
def canonical(quantity: str) -> str:
    """The one spelling that Kubernetes' own types write: `"2048Mi"` → `"2Gi"`, `"0.5"` → `"500m"`, `"1000m"` → `"1"`.

    KubeRay's controller updates a RayService through those types (KubeRay 1.6.2 with apimachinery's Quantity,
    CanonicalizeBytes), so any other spelling would look like a foreign edit for ever. Raises ValueError as `parse` does.
    """
    parse(quantity)
    number = quantity.rstrip("mkMGTPKi")
    suffix = quantity[len(number) :]
    factor = Fraction(1, 1000) if suffix == "m" else Fraction(_FACTORS[suffix])
    amount = Fraction(number) * factor
    if suffix in _BINARY and amount >= 1024 and amount.denominator == 1:
        return _spell(amount, ((unit, Fraction(_FACTORS[unit])) for unit in (*_BINARY, "")))
    nanos = Fraction(math.ceil(amount * 10**9), 10**9)  # nothing finer is kept
    return _spell(nanos, ((unit, Fraction(10) ** exponent) for unit, exponent in _DECIMAL))


def _spell(amount: Fraction, units: Iterable[tuple[str, Fraction]]) -> str:
    """In the largest unit that leaves a whole number."""
    if amount == 0:
        return "0"
    return next(f"{amount / size}{unit}" for unit, size in units if (amount / size).denominator == 1)
