"""What runs of a RayCluster, asked for tests: its pods with their nodes and requests, and Ray's placement groups."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cluster import env

_CLUSTER_LABEL: Final = "ray.io/cluster"
# Reads the control store without starting a driver, which would show up as a job. The same calls as `ray memory`
# and Ray's own placement_group_table (Ray 2.60: _private/internal_api.py, _private/state.py).
_READ_STATE: Final = """
import json
from ray._private.internal_api import get_state_from_address
state = get_state_from_address()
nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in state.node_table()}
print("\\n" + json.dumps({"nodes": nodes, "groups": list(state.placement_group_table().values())}))
"""


@dataclass(frozen=True, slots=True)
class RayPod:
    """A pod of a RayCluster. `requests` are of its first container, the Ray one; `node` is "" until it is bound."""

    name: str
    group: str
    """The worker group's name; "headgroup" for the head."""
    node: str
    address: str
    phase: str
    ready: bool
    requests: dict[str, str]


@dataclass(frozen=True, slots=True)
class PlacementGroup:
    """A placement group that was not removed; `bundles` in their order."""

    name: str
    strategy: str
    """PACK, SPREAD, STRICT_PACK or STRICT_SPREAD."""
    state: str
    """PENDING, PREPARED, CREATED or RESCHEDULING."""
    bundles: tuple[dict[str, float], ...]
    pods: tuple[str, ...]
    """For each bundle the address of the pod that holds it, "" while it has none."""


def pods(ray_cluster: str, namespace: str) -> list[RayPod]:
    """The pods of a RayCluster, head first, then by group and name; those on their way out are left out."""
    listed: Any = env.get("pods", "-n", namespace, "-l", f"{_CLUSTER_LABEL}={ray_cluster}")
    return parse_pods(listed["items"])


def workers(ray_cluster: str, namespace: str) -> list[RayPod]:
    """The worker pods of a RayCluster, by group and name."""
    return [pod for pod in pods(ray_cluster, namespace) if pod.group != "headgroup"]


def placement_groups(ray_cluster: str, namespace: str) -> list[PlacementGroup]:
    """The placement groups of a RayCluster by name, read in its head pod (about 3 s of CPU there).

    Raises ClusterError when the head cannot be asked.
    """
    head = f"{_CLUSTER_LABEL}={ray_cluster},ray.io/node-type=head"
    found: Any = env.get("pods", "-n", namespace, "-l", head)
    names = [item["metadata"]["name"] for item in found["items"] if "deletionTimestamp" not in item["metadata"]]
    name = names[0] if names else f"head-of-{ray_cluster}"
    answer = env.read_in_pod(namespace, name, "python3", "-c", _READ_STATE, container="ray-head")
    return parse_groups(json.loads(answer.strip().splitlines()[-1]))


def parse_pods(items: Iterable[Mapping[str, Any]]) -> list[RayPod]:
    """The pods of a v1 PodList as `pods` gives them."""
    found = []
    for item in items:
        meta, status = item["metadata"], item.get("status", {})
        if "deletionTimestamp" in meta:
            continue
        conditions = {entry["type"]: entry["status"] for entry in status.get("conditions", ())}
        found.append(
            RayPod(
                name=meta["name"],
                group=meta["labels"].get("ray.io/group", ""),
                node=item["spec"].get("nodeName", ""),
                address=status.get("podIP", ""),
                phase=status.get("phase", ""),
                ready=conditions.get("Ready") == "True",
                requests=dict(item["spec"]["containers"][0].get("resources", {}).get("requests", {})),
            )
        )
    return sorted(found, key=lambda pod: (pod.group != "headgroup", pod.group, pod.name))


def parse_groups(state: Mapping[str, Any]) -> list[PlacementGroup]:
    """The placement groups in what the script in the head printed."""
    found = []
    for group in state["groups"]:
        if group["state"] == "REMOVED":
            continue
        order = sorted(group["bundles"], key=int)
        holders = [group["bundles_to_node_id"].get(index, "") for index in order]
        found.append(
            PlacementGroup(
                name=group["name"],
                strategy=group["strategy"],
                state=group["state"],
                bundles=tuple(group["bundles"][index] for index in order),
                pods=tuple(state["nodes"].get(node, "") for node in holders),
            )
        )
    return sorted(found, key=lambda group: group.name)
