"""What a pod asks of its node (Kubernetes 1.34, component-helpers/resource/helpers.go, PodRequests), in whole thousandths."""

import math
from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

Amounts = dict[str, int]
"""Resource → thousandths of its unit: cores, bytes, devices."""
PODS: Final = "pods"
"""The resource of which every pod takes one; nodes say how many they hold."""
_SUFFIXES: Final = {
    "": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000),
    **{unit: Fraction(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Fraction(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}  # fmt: skip


@lru_cache(maxsize=4096)
def thousandths(quantity: str) -> int | None:
    """`"500m"` → 500, `"1Ki"` → 1024000, rounded down; None for what is no quantity. Also the spellings that `api.quantity` refuses
    in a spec, since others may have written it (`1e3`, `0.1E`)."""
    number = quantity.rstrip("numkKMGTPEi")
    try:
        return math.floor(Fraction(number) * _SUFFIXES[quantity[len(number) :]] * 1000)
    except (ValueError, KeyError, ZeroDivisionError):
        return None


def amounts(quantities: Mapping[str, Any] | None, names: Collection[str] | None = None) -> Amounts:
    """Those of the resources `names` (None: of all). What cannot be read is left out."""
    found = {}
    for name, quantity in (quantities or {}).items():
        if names is None or name in names:
            amount = thousandths(str(quantity))
            if amount is not None:
                found[name] = amount
    return found


def _asked(resources: Mapping[str, Any], names: Collection[str] | None) -> Amounts:
    """A limit without a request is a request."""
    return amounts(resources.get("limits"), names) | amounts(resources.get("requests"), names)


def _add(total: Amounts, more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _most(total: Amounts, other: Mapping[str, int]) -> None:
    for name, amount in other.items():
        total[name] = max(total.get(name, 0), amount)


def _starting(containers: Iterable[Mapping[str, Any]], names: Collection[str] | None) -> tuple[Amounts, Amounts]:
    """Of init containers: what the sidecars among them hold for good, and the most that is held while they start."""
    sidecars, peak = Amounts(), Amounts()
    for container in containers:
        asked = _asked(container.get("resources") or {}, names)
        if container.get("restartPolicy") == "Always":
            _add(sidecars, asked)
        else:
            _add(asked, sidecars)
            _most(peak, asked)
    return sidecars, peak


def requests(spec: Mapping[str, Any], names: Collection[str] | None = None) -> Amounts:
    """Of a pod with this spec; `names` as in `amounts`."""
    total, peak = _starting(spec.get("initContainers") or (), names)
    for container in spec.get("containers") or ():
        _add(total, _asked(container.get("resources") or {}, names))
    _most(total, peak)
    total |= _asked(spec.get("resources") or {}, names)  # of the pod as a whole, where it says so
    _add(total, amounts(spec.get("overhead"), names))
    if names is None or PODS in names:
        total[PODS] = 1000
    return {name: amount for name, amount in total.items() if amount}
