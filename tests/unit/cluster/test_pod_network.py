"""The pod network of nodes built here: what each node is told."""

from __future__ import annotations

import json

from cluster.pod_network import SUBNET, Node, conflist, parse, script

_A = Node("a", "172.18.0.2", "10.244.0.0/24")
_B = Node("b", "172.18.0.3", "10.244.1.0/24")
_C = Node("c", "172.18.0.4", "10.244.2.0/24")


def test_a_node_hands_out_addresses_of_its_own_block_only() -> None:
    ptp = json.loads(conflist(_B))["plugins"][0]
    assert ptp["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert ptp["ipMasq"] is False  # it would hide a pod of one node from the pods of another


def test_a_node_has_a_route_to_every_other_one_and_none_to_itself() -> None:
    lines = script(_B, [_A, _B, _C]).splitlines()
    routes = [line for line in lines if line.startswith("ip route")]
    assert routes == [
        "ip route replace 10.244.0.0/24 via 172.18.0.2",
        "ip route replace 10.244.2.0/24 via 172.18.0.4",
    ]


def test_only_what_leaves_the_pods_network_is_masqueraded_and_the_rule_is_added_once() -> None:
    rule = next(line for line in script(_A, [_A]).splitlines() if "MASQUERADE" in line)
    check, add = rule.split(" || ")
    assert f"-s 10.244.0.0/24 ! -d {SUBNET} -j MASQUERADE" in check
    assert check.split(" 2>")[0].replace(" -C ", " -A ") == add


def test_nodes_without_a_block_or_an_address_are_left_out() -> None:
    def item(name: str, block: str | None, *addresses: str) -> dict[str, object]:
        reported = [{"type": "InternalIP", "address": address} for address in addresses]
        return {
            "metadata": {"name": name},
            "spec": {"podCIDR": block} if block else {},
            "status": {"addresses": reported},
        }

    whole = item("a", "10.244.0.0/24", "fc00::2", "172.18.0.2")
    assert parse([whole, item("b", None, "172.18.0.3"), item("c", "10.244.2.0/24")]) == [_A]
