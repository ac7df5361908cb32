"""Accelerators and pods of models and of a whole plan, fewest and most: what it costs."""

from collections.abc import Iterable
from typing import Final

from llm_operator.plan.plan import Builder, ModelPlan, Plan
from llm_operator.plan.pods import GroupPlan

_KIND: Final = "accelerator_type:"
_MIG: Final = "nvidia.com/mig-"

Range = tuple[int, int]
"""Fewest, most."""


def kind_of(group: GroupPlan) -> tuple[str, int]:
    """Ray's name of the accelerators of one pod (with the slice of MIG, as `H100/mig-1g.10gb`), and their number; ("CPU", 0)
    without any."""
    offered = dict(group.ray_resources)
    kind = next((name.removeprefix(_KIND) for name in offered if name.startswith(_KIND)), "CPU")
    slices = [name.partition("/")[2] for name, _ in group.resources.devices if name.startswith(_MIG)]
    return "/".join([kind, *slices]), int(offered.get("GPU") or offered.get("TPU") or 0)


def _limit(model: ModelPlan) -> int | None:
    """Most pods of all groups together, where they stand in for each other: each then holds a whole replica."""
    alternatives = len(model.groups) > 1 and model.serving.builder is not Builder.PREFILL_DECODE
    return model.max_replicas if alternatives else None


def _pods(groups: Iterable[GroupPlan], limit: int | None) -> Range:
    found = tuple(groups)
    fewest = sum(group.min_pods * group.hosts for group in found)
    most = sum(group.max_pods * group.hosts for group in found)
    return fewest, most if limit is None else min(most, limit)


def accelerators(groups: Iterable[GroupPlan], limit: int | None = None) -> dict[str, Range]:
    """Kind → number; {} for CPU only. `limit`: most pods of all groups together."""
    counts: dict[str, list[int]] = {}
    fewest: dict[str, int] = {}
    for group in groups:
        kind, count = kind_of(group)
        if count:
            counts.setdefault(kind, []).extend([count] * group.max_pods * group.hosts)
            fewest[kind] = fewest.get(kind, 0) + group.min_pods * group.hosts * count
    return {kind: (fewest[kind], sum(sorted(found, reverse=True)[:limit])) for kind, found in counts.items()}


def _added(found: Iterable[dict[str, Range]]) -> dict[str, Range]:
    total: dict[str, Range] = {}
    for each in found:
        for kind, (fewest, most) in each.items():
            before = total.get(kind, (0, 0))
            total[kind] = (before[0] + fewest, before[1] + most)
    return total


def model_cost(model: ModelPlan) -> dict[str, Range]:
    """Accelerators of one model; of several kinds that stand in for each other, the most of each."""
    return accelerators(model.groups, _limit(model))


def model_pods(model: ModelPlan) -> Range:
    """Worker pods of one model."""
    return _pods(model.groups, _limit(model))


def cost(plan: Plan) -> dict[str, Range]:
    """Accelerators of the whole object."""
    applications = (accelerators((application.group,)) for application in plan.applications)
    return _added((*(model_cost(model) for model in plan.models), *applications))


def pods(plan: Plan) -> Range:
    """Worker pods of the whole object."""
    found = [model_pods(model) for model in plan.models]
    found += [_pods((application.group,), None) for application in plan.applications]
    return sum(fewest for fewest, _ in found), sum(most for _, most in found)
