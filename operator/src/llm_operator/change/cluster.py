"""What makes KubeRay start another Ray cluster, and what it takes over in place or not at all.

KubeRay 1.6.2: controllers/ray/utils/util.go, GenerateHashWithoutReplicasAndWorkersToDelete (what its hash leaves out) and
controllers/ray/rayservice_controller.go, isClusterSpecHashEqual (groups that are appended at the end).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from llm_operator.api.quantity import canonical
from llm_operator.change.differences import differences
from llm_operator.change.model import Paths

ROOT: Final = "rayClusterConfig"
_MUTED_OF_GROUPS: Final = ("replicas", "minReplicas", "maxReplicas")
_MUTED_OF_PODS: Final = ("tolerations", "schedulingGates")
_BOUNDS: Final = ("minReplicas", "maxReplicas", "replicas")
# Never rendered (tests/unit/change/test_cluster.py): where the live object has one of these it is somebody else's, and stays.
OTHERS: Final = frozenset(
    {
        *("headServiceAnnotations", "historyServerOptions", "managedBy", "networkPolicy", "suspend", "tlsOptions"),
        *("enableIngress", "headService", "ingressOptions", "labels", "resources"),
        *("affinity", "dnsConfig", "dnsPolicy", "hostAliases", "hostNetwork", "imagePullSecrets", "initContainers"),
        *("nodeName", "overhead", "preemptionPolicy", "schedulerName", "serviceAccount", "serviceAccountName"),
    }
)


def groups(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Worker groups of a rayClusterConfig, in their order."""
    return list(cluster.get("workerGroupSpecs") or ())


def _quantities(value: Any) -> Any:
    """KubeRay hashes a quantity as Kubernetes' own types spell it."""
    if not isinstance(value, str):
        return value
    try:
        return canonical(value)
    except ValueError:
        return value


def _spelled(value: Any, key: str = "") -> Any:
    if isinstance(value, dict | Mapping):  # dict first: Mapping is asked in Python
        if key in ("requests", "limits"):
            return {name: _quantities(amount) for name, amount in value.items()}
        return {name: _spelled(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    return _quantities(value) if key == "sizeLimit" else value


def _without(value: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in keys}


def _pod(part: Mapping[str, Any]) -> dict[str, Any]:
    """A head or worker group without the muted parts of its pod template."""
    template = part.get("template") or {}
    return {**part, "template": {**template, "spec": _without(template.get("spec") or {}, _MUTED_OF_PODS)}}


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    found = _without(_pod(group), _MUTED_OF_GROUPS)
    return {**found, "scaleStrategy": _without(group.get("scaleStrategy") or {}, ("workersToDelete",))}


def _without_others(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Worker groups are one list to the API server: an apply leaves nothing of others in it."""
    return {key: item for key, item in live.items() if key in wanted or key not in OTHERS}


def _ours(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The live Ray cluster as it is after an apply, as far as others set fields of the cluster and of its head."""
    heads = [side.get("headGroupSpec") or {} for side in (live, wanted)]
    templates = [head.get("template") or {} for head in heads]
    pods = [template.get("spec") or {} for template in templates]
    template = {**templates[0], "spec": _without_others(*pods)}
    return {**_without_others(live, wanted), "headGroupSpec": {**_without_others(*heads), "template": template}}


def _hashed(cluster: Mapping[str, Any], count: int) -> Any:
    """What KubeRay hashes, with the first `count` groups only."""
    return _spelled(
        {
            **_without(cluster, ("upgradeStrategy",)),
            "headGroupSpec": _pod(cluster.get("headGroupSpec") or {}),
            "workerGroupSpecs": [_group(group) for group in groups(cluster)[:count]],
        }
    )


def new_cluster_paths(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Paths:
    """Empty when KubeRay goes on with the Ray cluster that is there."""
    count, ours = len(groups(live)), _ours(live, wanted)
    if count == len(groups(wanted)) and json.dumps(ours, sort_keys=True) == json.dumps(wanted, sort_keys=True):
        return ()  # most looks find no difference, and this is the quick way to see it
    return tuple(differences(_hashed(ours, count), _hashed(wanted, count), ROOT))


def appended(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Paths:
    """Groups that KubeRay adds to the Ray cluster in place."""
    return tuple(f"{ROOT}.workerGroupSpecs[{group['groupName']}]" for group in groups(wanted)[len(groups(live)) :])


def _parts(cluster: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Head and worker groups by their place."""
    made = {f"workerGroupSpecs[{group['groupName']}]": group for group in groups(cluster)}
    return {"headGroupSpec": cluster.get("headGroupSpec") or {}, **made}


def bounds_paths(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Paths:
    """Numbers of pods of groups that stay; the operator patches them into the live RayCluster (render/bounds.py).
    `replicas` belongs to the autoscaler where we do not say it."""
    old, found = _parts(live), list[str]()
    for place, part in _parts(wanted).items():
        said = {key: part[key] for key in _BOUNDS if key in part}
        if place in old:
            found += differences({key: old[place].get(key) for key in said}, said, f"{ROOT}.{place}")
    return tuple(found)


def _muted_of_pod(part: Mapping[str, Any]) -> dict[str, Any]:
    spec = (part.get("template") or {}).get("spec") or {}
    return {key: spec.get(key) for key in _MUTED_OF_PODS}


def deferred_paths(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Paths:
    """What is in no hash and is not copied to a live RayCluster either."""
    old, found = _parts(live), list[str]()
    for place, part in _parts(wanted).items():
        if place in old:
            found += differences(_muted_of_pod(old[place]), _muted_of_pod(part), f"{ROOT}.{place}.template.spec")
    return tuple(found)
