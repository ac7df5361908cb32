"""Pods and accelerators that a change needs on top of what is held."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from llm_operator.change.cluster import groups
from llm_operator.change.model import Demand

_KIND: Final = "accelerator_type:"
_COUNTED: Final = ("GPU", "TPU")


def _sets(group: Mapping[str, Any]) -> int:
    return int(group.get("minReplicas") or 0)


def _pods(group: Mapping[str, Any], sets: int) -> int:
    return sets * int(group.get("numOfHosts") or 1)


def _accelerators(group: Mapping[str, Any], pods: int) -> Counter[str]:
    """As the pods' Ray resources count them."""
    resources: Mapping[str, Any] = group.get("resources") or {}
    counted = next((key for key in _COUNTED if float(resources.get(key, 0))), None)
    if counted is None:
        return Counter()
    kind = next((key.removeprefix(_KIND) for key in resources if key.startswith(_KIND)), counted)
    return Counter({kind: pods * int(float(resources[counted]))})


def _sum(more: list[tuple[Mapping[str, Any], int]], heads: int) -> Demand:
    """`more`: groups and how many sets of their pods."""
    accelerators: Counter[str] = Counter()
    for group, sets in more:
        accelerators += _accelerators(group, _pods(group, sets))
    held = tuple(sorted((kind, count) for kind, count in accelerators.items() if count))
    return Demand(heads + sum(_pods(group, sets) for group, sets in more), held)


def whole(cluster: Mapping[str, Any]) -> Demand:
    """A Ray cluster at its fewest replicas, with its head."""
    return _sum([(group, _sets(group)) for group in groups(cluster)], heads=1)


def growth(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Demand:
    """What a Ray cluster holds more afterwards. What it frees elsewhere counts for nothing: it goes slowly, and may be
    another kind."""
    before = {group["groupName"]: _sets(group) for group in groups(live)}
    more = [(group, _sets(group) - before.get(group["groupName"], 0)) for group in groups(wanted)]
    return _sum([(group, sets) for group, sets in more if sets > 0], heads=0)
