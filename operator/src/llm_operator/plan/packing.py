"""How many pods hold a set of Ray actors: logical CPUs, GPUs and memory, as Ray 2.60 counts them. Pure arithmetic.

All amounts are whole units of a ten-thousandth (Ray's own resolution: src/ray/common/scheduling/fixed_point.h), memory in bytes.
Tests: tests/unit/plan/test_packing.py.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

UNIT: Final = 10_000


def units(amount: float) -> int:
    """`0.1` → 1000."""
    return round(amount * UNIT)


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """What one actor takes. A fraction of a GPU is a part of one device; from 1 on, GPUs are whole."""

    gpu: int
    cpu: int
    memory: int

    def share(self, pod: "Room") -> float:
        """The largest share of a pod that it takes: the order in which actors are packed."""
        parts = ((self.cpu, pod.cpu), (self.gpu, pod.gpus * UNIT), (self.memory, pod.memory))
        return max(amount / offered if offered else 0.0 for amount, offered in parts)


@dataclass(frozen=True, slots=True)
class Room:
    """What an empty pod offers; `gpus` is a number of devices."""

    cpu: int
    gpus: int
    memory: int


class Pod:
    """A pod that fills up."""

    def __init__(self, room: Room) -> None:
        self._cpu, self._memory = room.cpu, room.memory
        self._gpus = [UNIT] * room.gpus

    def take(self, need: Need) -> bool:
        """False when it does not fit."""
        if need.cpu > self._cpu or need.memory > self._memory or not self._take_gpu(need.gpu):
            return False
        self._cpu -= need.cpu
        self._memory -= need.memory
        return True

    def _take_gpu(self, gpu: int) -> bool:
        part, devices = (gpu, 1) if 0 < gpu < UNIT else (UNIT, gpu // UNIT)
        free = [i for i, left in enumerate(self._gpus) if left >= part]
        if len(free) < devices:
            return False
        for i in free[:devices]:
            self._gpus[i] -= part
        return True


def fits(need: Need, room: Room) -> bool:
    """Whether an empty pod holds one."""
    return Pod(room).take(need)


def fewest_pods(needs: Sequence[Need], room: Room) -> int:
    """First fit, the largest first. Raises ValueError when one does not even fit into an empty pod."""
    pods: list[Pod] = []
    last, start = None, 0
    for need in sorted(needs, key=lambda need: (need.share(room), need), reverse=True):
        # What had no place for an actor has none for the next of the same size.
        start = start if need == last else 0
        last = need
        while start < len(pods) and not pods[start].take(need):
            start += 1
        if start == len(pods):
            pods.append(Pod(room))
            if not pods[-1].take(need):
                raise ValueError(f"{need} does not fit {room}")
    return len(pods)


def _blocked(need: Need, others: Counter[Need], room: Room) -> int:
    """The most pods that `others` can fill so far that this one does not fit in."""
    blocked = 0
    for amount, taken, offered in (
        (need.cpu, sum(other.cpu * count for other, count in others.items()), room.cpu),
        (need.memory, sum(other.memory * count for other, count in others.items()), room.memory),
    ):
        if amount:
            blocked += taken // (offered - amount + 1)
    if need.gpu:
        part, devices = (need.gpu, 1) if need.gpu < UNIT else (UNIT, need.gpu // UNIT)
        users = [min(other.gpu, UNIT) for other in others.elements() if other.gpu]
        # So many devices of a pod must be used, each by so much, until too few are free.
        least = max(UNIT - part + 1, min(users, default=UNIT))
        taken = sum(other.gpu * count for other, count in others.items())
        blocked += taken // (least * (room.gpus - devices + 1))
    return blocked


def most_pods(needs: Sequence[Need], room: Room) -> int:
    """Enough for whatever order Ray places them in: it packs by no plan, and replicas come and go. One size needs no
    reserve; of several, small actors may lie scattered when a large one comes."""
    counts = Counter(needs)
    fewest = fewest_pods(needs, room)
    if len(counts) <= 1:
        return fewest
    reserve = max(1 + _blocked(need, counts - Counter((need,)), room) for need in counts)
    return max(fewest, min(len(needs), reserve))
