"""What runs of one LLMDeployment of many shapes: pods, their GPUs, and for each placement group which bundle lies in which pod."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from catalogue import served
from cluster import ray_state
from cluster.ray_state import PlacementGroup, RayPod
from e2e import kube
from e2e.report import Report

GPU: Final = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class Shapes:
    """What runs of one LLMDeployment."""

    name: str
    url: str
    workers: list[RayPod]
    groups: list[PlacementGroup]

    def pods(self, group: str) -> list[RayPod]:
        """Worker pods of one worker group."""
        return [pod for pod in self.workers if pod.group == group]

    def placed(self, token: str) -> list[PlacementGroup]:
        """Placement groups of one model, or half of one; all of their bundles ask for its own pods."""
        found = [group for group in self.groups if f"group:{token}" in group.bundles[0]]
        assert all(bundle[f"group:{token}"] == 0.001 for group in found for bundle in group.bundles)
        assert all(group.state == "CREATED" for group in found)
        return found

    def where(self, placement: PlacementGroup) -> list[RayPod]:
        """The pod of each bundle."""
        by_address = {pod.address: pod for pod in self.workers}
        return [by_address[address] for address in placement.pods]

    def answers(self, model: str) -> str:
        """One chat request through the Service."""
        return served.ask(served.client(self.url, self.name, model), model, "hello shapes", tokens=20)


def running(name: str, *models: dict[str, Any], report: Report, **spec: Any) -> Iterator[Shapes]:
    """Applies it, and removes it in the end."""
    made = served.document(name, *models, **spec)
    with served.served(made, seconds=480) as seconds, served.reached(name) as url:
        report.add(f"{name}: {len(models)} models, apply to Ready", seconds)
        cluster = served.active_cluster(name)
        begin = time.monotonic()
        found = Shapes(
            name,
            url,
            ray_state.workers(cluster, kube.NAMESPACE),
            ray_state.placement_groups(cluster, kube.NAMESPACE),
        )
        report.add(f"{name}: state of Ray read", time.monotonic() - begin)
        yield found


def gpus(pods: list[RayPod]) -> list[str]:
    """What each pod asks for."""
    return [pod.requests[GPU] for pod in pods]
