"""Queues and gang schedulers: the labels that KubeRay 1.6.2's batch scheduler plugins, and Kueue, read."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.api.spec.hardware import Scheduling
from llm_operator.plan.plan import PodScheduling
from llm_operator.plan.scheduling import pod_scheduling


def made(**fields: Any) -> PodScheduling:
    return pod_scheduling(Scheduling.model_validate(fields), name="chat", uid="0123456789abcdef")


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ({}, {}),
        ({"priorityClassName": "high"}, {}),
        ({"queueName": "serving"}, {"kueue.x-k8s.io/queue-name": "serving"}),
        ({"gang": "Volcano"}, {"volcano.sh/queue-name": "default"}),
        (
            {"gang": "Volcano", "gangQueue": "q", "priorityClassName": "high"},
            {"volcano.sh/queue-name": "q", "ray.io/priority-class-name": "high"},
        ),
        (
            {"gang": "YuniKorn"},
            {"ray.io/gang-scheduling-enabled": "true", "yunikorn.apache.org/app-id": "chat-01234567"},
        ),
        (
            {"gang": "YuniKorn", "gangQueue": "root.q"},
            {
                "ray.io/gang-scheduling-enabled": "true",
                "yunikorn.apache.org/app-id": "chat-01234567",
                "yunikorn.apache.org/queue": "root.q",
            },
        ),
        ({"gang": "KAI", "gangQueue": "q"}, {"kai.scheduler/queue": "q"}),
        (
            {"gang": "KAI", "gangQueue": "q", "queueName": "serving"},
            {"kai.scheduler/queue": "q", "kueue.x-k8s.io/queue-name": "serving"},
        ),
    ],
)
def test_labels(fields: dict[str, Any], labels: dict[str, str]) -> None:
    assert dict(made(**fields).labels) == labels


def test_kueue_takes_no_autoscaling() -> None:
    assert made().node_autoscaling
    assert made(gang="Volcano").node_autoscaling
    assert not made(queueName="serving").node_autoscaling


def test_priority_and_spread_are_the_pods_own() -> None:
    found = made(priorityClassName="high", topologySpread=[{"topologyKey": "zone"}])
    assert found.priority_class_name == "high"
    assert [spread.topology_key for spread in found.topology_spread] == ["zone"]
