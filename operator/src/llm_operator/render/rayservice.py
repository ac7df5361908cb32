"""Plan → the RayService to apply: the fields we own, nothing else.

Worker groups keep their place for ever: KubeRay starts a new cluster when their order changes (1.6.2, utils/util.go), but
takes a group that is appended at the end in place. Groups of models that are gone stay, at 0 pods.
"""

from dataclasses import replace
from typing import Any, Final

from llm_operator.api import names
from llm_operator.plan.inputs import Object
from llm_operator.plan.plan import Plan
from llm_operator.plan.pods import GroupPlan
from llm_operator.render import pod
from llm_operator.render.metadata import labels, owner_note, owners, spec_hash
from llm_operator.render.serve_config import serialize, serve_config
from llm_operator.render.sticky import HEAD_EXCLUDED, Sticky, sticky_of
from llm_operator.render.versions import version_annotation

INCREMENTAL: Final = "NewClusterWithIncrementalUpgrade"
"""Type of upgradeStrategy; without its feature gate KubeRay takes it for None: new Ray clusters never come."""
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


def _fault_tolerance(plan: Plan) -> dict[str, Any]:
    """Never an externalStorageNamespace: the two clusters of an upgrade would share one state. Default is the RayCluster's uid."""
    if plan.redis is None:
        return {}
    options: dict[str, Any] = {"redisAddress": plan.redis.address}
    if plan.redis.username is not None:
        options["redisUsername"] = {"value": plan.redis.username}
    if (password := plan.redis.password_secret_ref) is not None:
        options["redisPassword"] = {"valueFrom": {"secretKeyRef": {"name": password.name, "key": password.key}}}
    return {"gcsFaultToleranceOptions": options}


def _cluster(plan: Plan, child: Object | None, sticky: Sticky) -> dict[str, Any]:
    return {
        "rayVersion": plan.ray_version,
        "authOptions": {"mode": "token"},
        **_fault_tolerance(plan),
        **_autoscaler(plan),
        "headGroupSpec": {
            "serviceType": "ClusterIP",
            # No actor that asks for a CPU runs on the head.
            "rayStartParams": {"num-cpus": "0"},
            "template": pod.head_template(plan, sticky.annotations),
        },
        "workerGroupSpecs": _worker_groups(plan, child),
    }


def _upgrade(plan: Plan) -> dict[str, Any]:
    if plan.incremental is None:
        return {"type": "NewCluster"}
    return {
        "type": INCREMENTAL,
        "clusterUpgradeOptions": {
            "gatewayClassName": plan.incremental.gateway_class,
            "stepSizePercent": plan.incremental.step_percent,
            "intervalSeconds": plan.incremental.interval_seconds,
            "maxSurgePercent": plan.incremental.surge_percent,
        },
    }


def _hashed(plan: Plan, spec: dict[str, Any]) -> dict[str, Any]:
    """A label, or an owner, that is no longer wanted is nothing that a live object lacks: only the hash shows that it must go."""
    labelled = {**spec, "labels": dict(plan.scheduling.labels)} if plan.scheduling.labels else spec
    return {**labelled, "orphan": True} if plan.orphan else labelled


def rayservice(plan: Plan, child: Object | None, sticky: Sticky | None = None) -> dict[str, Any]:
    """The whole object to apply. `child`: the live RayService, for the order of its groups; None when there is none.
    `sticky`: None = as the child has it."""
    kept = sticky_of(child) if sticky is None else sticky
    plan = replace(plan, render_version=kept.render_version or plan.render_version, drain_seconds=kept.drain_seconds)
    spec = {
        "serveConfigV2": serialize(serve_config(plan, kept)),
        "rayClusterDeletionDelaySeconds": plan.cluster_deletion_delay_seconds,
        # With everything at zero only the head's proxy is there to take the request that wakes a model.
        HEAD_EXCLUDED: not (plan.may_be_empty or kept.head_serves),
        "upgradeStrategy": _upgrade(plan),
        "rayClusterConfig": _cluster(plan, child, kept),
    }
    return {
        "apiVersion": names.RAY_API_VERSION,
        "kind": names.RAY_SERVICE_KIND,
        "metadata": {
            "name": plan.name,
            "namespace": plan.namespace,
            "labels": {**labels(plan), **dict(plan.scheduling.labels)},
            "annotations": {
                # Whether the head takes requests comes and goes with changes, and is none.
                names.SPEC_HASH_ANNOTATION: spec_hash(_hashed(plan, {**spec, HEAD_EXCLUDED: not plan.may_be_empty})),
                **version_annotation(plan),
                **owner_note(plan),
            },
            **owners(plan),
        },
        "spec": spec,
    }
