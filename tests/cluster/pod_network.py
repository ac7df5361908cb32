"""The pod network where the node image is built here (with registries kind brings its own, kindnet).

Each node bridges its pods with the `ptp` CNI plugin from its own podCIDR (the controller manager hands them out),
knows by a static route where the pods of every other node are, and masquerades only what leaves the cluster, so a
pod sees the address of the pod that calls it. NetworkPolicies are not enforced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cluster import env, names
from cluster.engine import docker
from cluster.shell import parallel, wait_for

SUBNET: Final = "10.244.0.0/16"  # of all pods; each node gets a /24 of it
_TEMPLATE: Final = names.ROOT / "images" / "kind-node" / "10-ptp.conflist"
_SECONDS: Final = 60.0
# The configuration comes on standard input and is put in place by a rename: containerd reads the folder as it changes.
_CONFIGURE: Final = """\
set -e
cat > /etc/cni/net.d/10-ptp.conflist.part
mv /etc/cni/net.d/10-ptp.conflist.part /etc/cni/net.d/10-ptp.conflist
"""


@dataclass(frozen=True, slots=True)
class Node:
    """A node, its address on Docker's network, and the block that its pods' addresses come from."""

    name: str
    address: str
    pod_cidr: str


def parse(items: Iterable[Mapping[str, Any]]) -> list[Node]:
    """The nodes of a v1 NodeList that have been given a podCIDR and have reported an address."""
    found = []
    for item in items:
        addresses = [entry["address"] for entry in item["status"].get("addresses", ()) if entry["type"] == "InternalIP"]
        ipv4 = [address for address in addresses if ":" not in address]
        if ipv4 and (block := item["spec"].get("podCIDR")):
            found.append(Node(item["metadata"]["name"], ipv4[0], block))
    return found


def conflist(node: Node) -> str:
    """The CNI configuration of one node."""
    config = json.loads(_TEMPLATE.read_text())
    config["plugins"][0]["ipam"]["ranges"] = [[{"subnet": node.pod_cidr}]]
    return json.dumps(config, indent=2)


def script(node: Node, nodes: Iterable[Node]) -> str:
    """What runs in `node`, with its conflist on standard input. It can run again: it then changes nothing."""
    routes = [f"ip route replace {other.pod_cidr} via {other.address}" for other in nodes if other != node]
    rule = f"POSTROUTING -s {node.pod_cidr} ! -d {SUBNET} -j MASQUERADE"
    masquerade = f"iptables -w -t nat -C {rule} 2> /dev/null || iptables -w -t nat -A {rule}"
    return _CONFIGURE + "\n".join([*routes, masquerade, ""])


def connect(count: int) -> None:
    """Connect the pods of all `count` nodes; raises ClusterError when they have no podCIDR within a minute."""
    wait_for(
        f"each of the {count} nodes has a podCIDR",
        lambda: len(_nodes()) == count,
        seconds=_SECONDS,
        hint="See `python -m cluster kubectl get nodes -o yaml`.",
    )
    nodes = _nodes()
    parallel(*(partial(_configure, node, nodes) for node in nodes))


def _configure(node: Node, nodes: Iterable[Node]) -> None:
    docker("exec", "--interactive", node.name, "sh", "-c", script(node, nodes), stdin=conflist(node))


def _nodes() -> list[Node]:
    listed: Any = env.get("nodes")
    return parse(listed["items"])
