"""Queues, gangs, priorities → what is common to all pods of the Ray cluster. Tests: tests/unit/plan/test_scheduling.py.

Labels go onto the RayService: KubeRay copies them to its RayClusters when it makes them (1.6.2, rayservice_controller.go,
constructRayClusterForRayService), and its batch scheduler plugins read them there and write scheduler names, task groups
and pod groups themselves (controllers/ray/batchscheduler). The scheduler's name is KubeRay's to write, not ours: without
its plugin it would only move pods to a scheduler that knows no gang of them.
"""

from collections.abc import Collection

from llm_operator.api.spec.hardware import Scheduling
from llm_operator.plan.plan import PodScheduling

_KUEUE = "kueue.x-k8s.io/queue-name"
_VOLCANO = "volcano.sh/queue-name"
_YUNIKORN = "yunikorn.apache.org/app-id"
_KAI = "kai.scheduler/queue"
_VOLCANO_QUEUE = "default"
"""Where Volcano puts a pod group without a queue (volcano.sh/apis 1.13, scheduling/v1beta1, DefaultQueue)."""


def _gang_labels(scheduling: Scheduling, application: str) -> dict[str, str]:
    queue = scheduling.gang_queue
    labels: dict[str, str] = {}
    match scheduling.gang:
        case "Volcano":
            labels[_VOLCANO] = queue or _VOLCANO_QUEUE
            labels["ray.io/priority-class-name"] = scheduling.priority_class_name or ""
        case "YuniKorn":
            labels["ray.io/gang-scheduling-enabled"] = "true"
            labels[_YUNIKORN] = application
            labels["yunikorn.apache.org/queue"] = queue or ""
        case "KAI":
            labels[_KAI] = queue or ""
    return {name: value for name, value in labels.items() if value}


def queued(labels: Collection[str]) -> bool:
    """Whether a queue decides when the pods of a RayService with these labels start, and which others give way."""
    return any(label in labels for label in (_KUEUE, _VOLCANO, _YUNIKORN, _KAI))


def pod_scheduling(scheduling: Scheduling, *, name: str, uid: str) -> PodScheduling:
    """`name`, `uid`: of the LLMDeployment; YuniKorn wants an application id that is unique in its queue."""
    labels = _gang_labels(scheduling, f"{name}-{uid[:8]}")
    if scheduling.queue_name is not None:
        labels[_KUEUE] = scheduling.queue_name
    return PodScheduling(
        priority_class_name=scheduling.priority_class_name,
        topology_spread=scheduling.topology_spread,
        labels=tuple(sorted(labels.items())),
        # Kueue's webhook refuses a RayService with it (pkg/controller/jobs/rayservice/rayservice_webhook.go), but for its
        # elastic jobs (alpha).
        node_autoscaling=scheduling.queue_name is None,
    )
