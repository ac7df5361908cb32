"""Accelerators and pods of a whole plan, fewest and most: what it costs."""

from collections.abc import Iterable
from typing import Final

from llm_operator.plan.plan import GroupPlan, Plan

_KIND: Final = "accelerator_type:"

Range = tuple[int, int]
"""Fewest, most."""


def kind_of(group: GroupPlan) -> tuple[str, int]:
    """Ray's name of the accelerators of one pod, and their number; ("CPU", 0) without any."""
    offered = dict(group.ray_resources)
    kind = next((name.removeprefix(_KIND) for name in offered if name.startswith(_KIND)), "CPU")
    return kind, int(offered.get("GPU") or offered.get("TPU") or 0)


def pods(groups: Iterable[GroupPlan]) -> Range:
    """Worker pods."""
    found = tuple(groups)
    return sum(group.min_pods * group.hosts for group in found), sum(group.max_pods * group.hosts for group in found)


def accelerators(groups: Iterable[GroupPlan]) -> dict[str, Range]:
    """Kind → number; {} for CPU only. Where several kinds of pods stand in for each other, the most of each is counted."""
    found: dict[str, Range] = {}
    for group in groups:
        kind, count = kind_of(group)
        fewest, most = found.get(kind, (0, 0))
        if count:
            hosts = group.hosts * count
            found[kind] = (fewest + group.min_pods * hosts, most + group.max_pods * hosts)
    return found


def cost(plan: Plan) -> dict[str, Range]:
    """Accelerators of the whole object."""
    return accelerators(plan.groups)
