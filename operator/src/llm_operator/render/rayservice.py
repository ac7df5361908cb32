"""Plan → the RayService to apply: the fields we own, nothing else.

Worker groups keep their place for ever: KubeRay starts a new cluster when their order changes (1.6.2, utils/util.go), but
takes a group that is appended at the end in place. Groups of models that are gone stay, at 0 pods.
"""

from typing import Any, Final

from llm_operator.api import names
from llm_operator.plan.inputs import Object
from llm_operator.plan.plan import GroupPlan, Plan
from llm_operator.render import pod
from llm_operator.render.metadata import labels, owner_reference, spec_hash
from llm_operator.render.serve_config import serialize, serve_config

_AUTOSCALER_RESOURCES: Final = {
    "requests": {"cpu": "100m", "memory": "512Mi"},
    "limits": {"memory": "512Mi"},
}


def _worker_group(plan: Plan, group: GroupPlan) -> dict[str, Any]:
    made = {
        "groupName": group.name,
        "numOfHosts": group.hosts,
        # `replicas` belongs to the autoscaler, where there is one.
        "minReplicas": group.min_pods,
        "maxReplicas": group.max_pods,
        "rayStartParams": {},
        "resources": dict(group.ray_resources),
        "template": pod.worker_template(plan, group),
    }
    if not plan.scheduling.node_autoscaling:
        # Nobody else sets it, and Kueue counts pods by it (pkg/controller/jobs/raycluster/raycluster_controller.go).
        made["replicas"] = group.min_pods
    elif group.idle_timeout_seconds is not None:
        made["idleTimeoutSeconds"] = group.idle_timeout_seconds
    return made


def live_groups(child: Object | None) -> list[dict[str, Any]]:
    """The worker groups of a live RayService, in their order."""
    spec = (child or {}).get("spec", {})
    return list(spec.get("rayClusterConfig", {}).get("workerGroupSpecs", ()))


def _retired(group: dict[str, Any]) -> dict[str, Any]:
    """A group whose model is gone: the same template (a change would start a new cluster), no pods."""
    kept = {key: value for key, value in group.items() if key not in ("replicas", "scaleStrategy")}
    return {**kept, "minReplicas": 0, "maxReplicas": 0}


def _worker_groups(plan: Plan, child: Object | None) -> list[dict[str, Any]]:
    wanted = {group.name: group for group in sorted(plan.groups, key=lambda group: group.name)}
    groups = []
    for live in live_groups(child):
        group = wanted.pop(live["groupName"], None)
        groups.append(_retired(live) if group is None else _worker_group(plan, group))
    return groups + [_worker_group(plan, group) for group in wanted.values()]


def _autoscaler(plan: Plan) -> dict[str, Any]:
    if not plan.scheduling.node_autoscaling:
        return {"enableInTreeAutoscaling": False}
    return {
        # Even with a fixed size: switching it later would start a new cluster.
        "enableInTreeAutoscaling": True,
        "autoscalerOptions": {
            "version": "v2",
            "idleTimeoutSeconds": plan.idle_timeout_seconds,
            "upscalingMode": plan.upscaling_mode,
            "imagePullPolicy": "IfNotPresent",
            "resources": _AUTOSCALER_RESOURCES,
            "securityContext": pod.CONTAINER_SECURITY,
        },
    }


def _cluster(plan: Plan, child: Object | None) -> dict[str, Any]:
    return {
        "rayVersion": plan.ray_version,
        "authOptions": {"mode": "token"},
        **_autoscaler(plan),
        "headGroupSpec": {
            "serviceType": "ClusterIP",
            # No actor that asks for a CPU runs on the head.
            "rayStartParams": {"num-cpus": "0"},
            "template": pod.head_template(plan),
        },
        "workerGroupSpecs": _worker_groups(plan, child),
    }


def _hashed(plan: Plan, spec: dict[str, Any]) -> dict[str, Any]:
    """A label that is no longer wanted is nothing that a live object lacks: only the hash shows that it must go."""
    return {**spec, "labels": dict(plan.scheduling.labels)} if plan.scheduling.labels else spec


def rayservice(plan: Plan, child: Object | None) -> dict[str, Any]:
    """The whole object to apply. `child`: the live RayService, for the order of its groups; None when there is none."""
    spec = {
        "serveConfigV2": serialize(serve_config(plan)),
        "rayClusterDeletionDelaySeconds": plan.cluster_deletion_delay_seconds,
        # With everything at zero only the head's proxy is there to take the request that wakes a model.
        "excludeHeadPodFromServeSvc": not plan.may_be_empty,
        "upgradeStrategy": {"type": "NewCluster"},
        "rayClusterConfig": _cluster(plan, child),
    }
    return {
        "apiVersion": names.RAY_API_VERSION,
        "kind": names.RAY_SERVICE_KIND,
        "metadata": {
            "name": plan.name,
            "namespace": plan.namespace,
            "labels": {**labels(plan), **dict(plan.scheduling.labels)},
            "annotations": {names.SPEC_HASH_ANNOTATION: spec_hash(_hashed(plan, spec))},
            "ownerReferences": [owner_reference(plan)],
        },
        "spec": spec,
    }
