"""Accelerators that are not there: extended resources and labels on the nodes, so that pods which ask for them run.

A JSON patch on a node's status adds the resource; the scheduler and the kubelet then count it like one of a device
plugin, but nothing is mounted into the pod. Off until `give` is called, because the tests of unschedulable pods need
nodes without accelerators.

The kubelet keeps what it finds on its own node: the resources survive its restart and that of the API server, and go
when the node is made anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from cluster import env, nodes
from cluster.shell import ClusterError, parallel

Operation = dict[str, str]

PER_NODE: Final = 8
# Names as the vendors' device plugins report them.
DEVICES: Final = (
    "nvidia.com/gpu",
    "nvidia.com/mig-1g.10gb",
    "amd.com/gpu",
    "gpu.intel.com/i915",
    "gpu.intel.com/xe",
    "habana.ai/gaudi",
    "google.com/tpu",
    "aws.amazon.com/neuroncore",
    "vpc.amazonaws.com/efa",
    "rdma/ib",
    "rdma/hca_shared_devices_a",
)
ZONE: Final = "topology.kubernetes.io/zone"
MARK: Final = "llm-operator.io/fake-devices"
LABELS: Final = {
    MARK: "true",
    "topology.kubernetes.io/region": "local",
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
}
_GIVEN_LABELS: Final = "llm-operator.io/fake-labels"  # annotation: the keys of the labels to take away again
_MANIFEST: Final = Path(__file__).parent / "manifests" / "fake-devices.yaml"


def give(
    devices: Mapping[str, int] | None = None, labels: Mapping[str, str] | None = None, *, on: Sequence[str] = ()
) -> None:
    """Put devices (default: PER_NODE of each of DEVICES) and labels (beside LABELS and a zone) on the nodes `on`.

    Default: all nodes; each is a zone of its own (zone-a, zone-b, ...). What is there already gets the new numbers.
    Pods that run keep what they have, even where the new number is smaller. Raises ClusterError for a device that is
    no extended resource.
    """
    wanted = dict.fromkeys(DEVICES, PER_NODE) if devices is None else dict(devices)
    if wrong := [name for name in wanted if "/" not in name or name.startswith("kubernetes.io/")]:
        raise ClusterError(f"{', '.join(wrong)}: an extended resource is named domain/name, e.g. nvidia.com/gpu")
    env.kubectl("apply", "--server-side", "-f", _MANIFEST)
    everywhere = nodes.existing()
    parallel(
        *(
            partial(_give, node, wanted, {**LABELS, ZONE: zone(everywhere.index(node)), **(labels or {})})
            for node in on or everywhere
        )
    )


def take() -> None:
    """Take from all nodes every extended resource and the labels that `give` put there."""
    parallel(*(partial(_take, node) for node in nodes.existing()))
    env.kubectl("delete", "-f", _MANIFEST, "--ignore-not-found")


def given() -> dict[str, dict[str, int]]:
    """Extended resources that pods can ask for: node → resource → number, zeros left out."""
    listed: Any = env.get("nodes")
    return {node["metadata"]["name"]: extended(node["status"].get("allocatable", {})) for node in listed["items"]}


def zone(index: int) -> str:
    """The zone of the node with this index."""
    return f"zone-{chr(ord('a') + index)}"


def extended(resources: Mapping[str, str]) -> dict[str, int]:
    """The extended resources among a node's capacity or allocatable, zeros left out."""
    return {name: int(value) for name, value in resources.items() if "/" in name and int(value)}


def operations(add: Mapping[str, int], remove: Mapping[str, Sequence[str]] | None = None) -> list[Operation]:
    """The JSON patch on a node's status; `remove` has the names for each field, capacity and allocatable.

    The kubelet makes allocatable follow capacity only after some 10 s, so both are patched.
    """
    return [
        *(
            {"op": "add", "path": f"/status/{field}/{_pointer(name)}", "value": str(count)}
            for name, count in add.items()
            for field in ("capacity", "allocatable")
        ),
        *(
            {"op": "remove", "path": f"/status/{field}/{_pointer(name)}"}
            for field, found in (remove or {}).items()
            for name in found
        ),
    ]


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _give(node: str, devices: Mapping[str, int], labels: Mapping[str, str]) -> None:
    _patch(node, operations(devices))
    known = sorted({*_given_labels(_metadata(node)), *labels})
    env.kubectl("annotate", "node", node, "--overwrite", f"{_GIVEN_LABELS}={' '.join(known)}")
    env.kubectl("label", "node", node, "--overwrite", *(f"{key}={value}" for key, value in labels.items()))


def _take(node: str) -> None:
    found: Any = env.get("node", node)
    remove = {field: [name for name in found["status"][field] if "/" in name] for field in ("capacity", "allocatable")}
    _patch(node, operations({}, remove))
    if known := _given_labels(found["metadata"]):
        env.kubectl("label", "node", node, *(f"{key}-" for key in known))
        env.kubectl("annotate", "node", node, f"{_GIVEN_LABELS}-")


def _metadata(node: str) -> dict[str, Any]:
    found: Any = env.get("node", node)
    metadata: dict[str, Any] = found["metadata"]
    return metadata


def _given_labels(metadata: Mapping[str, Any]) -> list[str]:
    written: str = metadata.get("annotations", {}).get(_GIVEN_LABELS, "")
    return written.split()


def _patch(node: str, patch: Sequence[Operation]) -> None:
    if patch:
        env.kubectl("patch", "node", node, "--subresource=status", "--type=json", "-p", json.dumps(patch))
