"""What tests read of a RayCluster: pods with node and requests, placement groups with the pods that hold them."""

from __future__ import annotations

from typing import Any

from cluster.ray_state import PlacementGroup, parse_groups, parse_pods


def _pod(name: str, group: str, **extra: Any) -> dict[str, Any]:
    container = {"resources": {"requests": {"nvidia.com/gpu": "8"}}}
    return {
        "metadata": {"name": name, "labels": {"ray.io/group": group}, **extra},
        "spec": {"nodeName": "node-1", "containers": [container, {"name": "sidecar"}]},
        "status": {"podIP": "10.244.1.7", "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def test_the_head_comes_first_and_pods_on_their_way_out_are_left_out() -> None:
    items = [_pod("w", "gpu"), _pod("h", "headgroup"), _pod("old", "gpu", deletionTimestamp="2026-01-01T00:00:00Z")]
    assert [pod.name for pod in parse_pods(items)] == ["h", "w"]


def test_a_pod_tells_its_node_and_what_the_ray_container_requests() -> None:
    pod = parse_pods([_pod("w", "gpu")])[0]
    assert (pod.node, pod.address, pod.ready, pod.requests) == ("node-1", "10.244.1.7", True, {"nvidia.com/gpu": "8"})


def test_a_pod_that_waits_for_a_node_has_none() -> None:
    pending = {**_pod("w", "gpu"), "spec": {"containers": [{}]}, "status": {"phase": "Pending"}}
    pod = parse_pods([pending])[0]
    assert (pod.node, pod.address, pod.ready, pod.requests) == ("", "", False, {})


def test_bundles_are_in_their_order_each_with_its_pod() -> None:
    nodes = {"n1": "10.244.0.5", "n2": "10.244.1.5"}
    bundles = {str(index): {"GPU": 1.0, "tag": float(index)} for index in (10, 2, 0)}
    made = {"name": "a", "strategy": "PACK", "state": "CREATED", "bundles": bundles}
    made["bundles_to_node_id"] = {"0": "n1", "2": "n2", "10": ""}
    gone = {**made, "name": "b", "state": "REMOVED"}
    assert parse_groups({"nodes": nodes, "groups": [gone, made]}) == [
        PlacementGroup(
            name="a",
            strategy="PACK",
            state="CREATED",
            bundles=({"GPU": 1.0, "tag": 0.0}, {"GPU": 1.0, "tag": 2.0}, {"GPU": 1.0, "tag": 10.0}),
            pods=("10.244.0.5", "10.244.1.5", ""),
        )
    ]
