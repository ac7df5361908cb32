"""TPU slices: topology → chips and hosts, as Ray counts them (Ray 2.60.0, ray/_private/accelerators/tpu.py)."""

import math
from dataclasses import dataclass
from typing import Final

from llm_operator.api.accelerators import AcceleratorType

_CHIPS_PER_HOST: Final = 4
# v5e and v6e: a slice of up to 8 chips is (part of) one host.
_ONE_HOST: Final = ("1x1", "2x2", "2x4")
_FLAT: Final = frozenset({*_ONE_HOST, "2x8", "4x4", "4x8", "8x8", "8x16", "16x16"})
_SMALL_CUBES: Final = frozenset({"2x2x1", "2x2x2", "2x2x4", "2x4x4"})


def _cubes(x: int, y: int, z: int) -> frozenset[str]:
    """Every topology with sides that are multiples of 4, up to these."""
    sides = [range(4, most + 1, 4) for most in (x, y, z)]
    return frozenset(f"{a}x{b}x{c}" for a in sides[0] for b in sides[1] for c in sides[2])


TOPOLOGIES: Final = {
    AcceleratorType.TPU_V4: _SMALL_CUBES | _cubes(12, 12, 16),
    AcceleratorType.TPU_V5E: _FLAT,
    AcceleratorType.TPU_V5P: _SMALL_CUBES | _cubes(16, 16, 24),
    AcceleratorType.TPU_V6E: _FLAT,
    AcceleratorType.TPU_V7X: _SMALL_CUBES | {"4x4x4", "4x4x8", "4x8x8", "8x8x8", "8x8x16", "8x16x16"},
}
"""What can be had of each kind."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One TPU slice: a replica's hosts, which come and go together."""

    chips: int
    per_host: int

    @property
    def hosts(self) -> int:
        """Pods of the slice."""
        return max(1, self.chips // self.per_host)


def tpu_slice(kind: AcceleratorType, topology: str) -> Slice:
    """`topology`: a valid one of this kind."""
    chips = math.prod(int(side) for side in topology.split("x"))
    one_host = TOPOLOGIES[kind] is _FLAT and topology in _ONE_HOST
    return Slice(chips, chips if one_host else _CHIPS_PER_HOST)


def nearest(kind: AcceleratorType, topology: str) -> tuple[str, ...]:
    """Valid topologies of this kind with the same number of chips, or all small ones."""
    sides = [int(side) for side in topology.split("x")]
    same = [name for name in TOPOLOGIES[kind] if math.prod(int(side) for side in name.split("x")) == math.prod(sides)]
    small = [name for name in TOPOLOGIES[kind] if math.prod(int(side) for side in name.split("x")) <= 64]
    return tuple(sorted(same or small, key=lambda name: (math.prod(int(side) for side in name.split("x")), name)))
