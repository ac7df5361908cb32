"""Does Ray place these replicas into these pods? Its own rules, re-done in small: bundles that the replica's actor shares,
gangs, and the greedy PACK of Ray 2.60.0 (src/ray/raylet/scheduling/policy/bundle_scheduling_policy.cc)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Bundle = dict[str, int]
Pod = dict[str, int]
_STEPS = 10_000  # Ray counts in steps of 0.0001.


def _counted(resources: Mapping[str, Any]) -> dict[str, int]:
    return {name: round(float(amount) * _STEPS) for name, amount in resources.items()}


def pods(group: Mapping[str, Any], bound: str) -> list[Pod]:
    """The pods of a worker group at `minReplicas` or `maxReplicas`; `resources` is all that Ray knows of one."""
    return [_counted(group["resources"]) for _ in range(group[bound] * group["numOfHosts"])]


def demands(config: Mapping[str, Any], replicas: int) -> list[tuple[list[Bundle], str]]:
    """Placement groups of `replicas` Serve replicas of one LLMConfig, with their strategies."""
    placement = config["placement_group_config"]
    kind = config.get("accelerator_type")
    bundles = [dict(bundle) for bundle in placement["bundles"]]
    for bundle in bundles:
        if kind is not None:
            bundle.setdefault(f"accelerator_type:{kind}", 0.001)
    if "accelerator_config" in config:  # a TPU slice: 1 CPU beside each host's chips, the actor is outside
        bundles = [{"CPU": 1, **bundle} for bundle in bundles]
    else:
        bundles[0]["CPU"] = bundles[0].get("CPU", 0) + 1
    counted = [_counted(bundle) for bundle in bundles]
    gang = config["engine_kwargs"].get("data_parallel_size", 1)
    assert replicas % gang == 0, f"{replicas} replicas are no multiple of the gang of {gang}"
    strategy = "PACK" if gang > 1 else placement["strategy"]
    return [(counted * gang, strategy)] * (replicas // gang)


def _fits(pod: Pod, bundle: Bundle) -> bool:
    return all(pod.get(name, 0) >= amount for name, amount in bundle.items())


def _take(pod: Pod, bundle: Bundle) -> None:
    for name, amount in bundle.items():
        pod[name] -= amount


def _strict_pack(free: list[Pod], bundles: list[Bundle]) -> bool:
    total: Bundle = {}
    for bundle in bundles:
        for name, amount in bundle.items():
            total[name] = total.get(name, 0) + amount
    for pod in free:
        if _fits(pod, total):
            _take(pod, total)
            return True
    return False


def _pack(free: list[Pod], bundles: list[Bundle]) -> bool:
    """Largest bundle first onto the fullest pod that takes it, then whatever else fits there."""
    left = sorted(bundles, key=lambda bundle: -bundle.get("CPU", 0))
    unused = list(free)
    while left:
        able = [pod for pod in unused if _fits(pod, left[0])]
        if not able:
            return False
        pod = min(able, key=lambda pod: sum(pod.values()))
        rest = []
        for bundle in left:
            if _fits(pod, bundle):
                _take(pod, bundle)
            else:
                rest.append(bundle)
        left = rest
        unused = [other for other in unused if other is not pod]
    return True


def placed(free: list[Pod], wanted: list[tuple[list[Bundle], str]]) -> bool:
    """All placement groups find room, one after the other; `free` is changed."""
    return all(
        _strict_pack(free, bundles) if strategy == "STRICT_PACK" else _pack(free, bundles)
        for bundles, strategy in wanted
    )
