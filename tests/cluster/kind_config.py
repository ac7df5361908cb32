"""The configuration of the kind cluster: its nodes, an audit log, what this host needs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cluster import names, pod_network
from cluster.audit import LOG
from cluster.source import Source

_POLICY: Final = "/etc/kubernetes/audit/policy.yaml"
# kind takes the taint away itself where there is one node only, and fails if it is not there.
_SCHEDULABLE_CONTROL_PLANE: Final = "kind: InitConfiguration\nnodeRegistration:\n  taints: []\n"
_RESTRICT_OOM: Final = '[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n'


def kind_config(source: Source, *, policy: Path, stores: Sequence[Path | None], restrict_oom: bool) -> dict[str, Any]:
    """kind's Cluster document.

    `policy` is the audit policy on this machine. `stores` has one entry for each node, the control plane's first: the
    folder that becomes its containerd store, or None for the node image's own. Every node takes pods.
    `restrict_oom` is for hosts without CAP_SYS_RESOURCE, which is needed to lower an OOM score.
    """
    nodes = [_node("worker" if index else "control-plane", store) for index, store in enumerate(stores)]
    nodes[0]["extraMounts"].append({"hostPath": str(policy), "containerPath": _POLICY, "readOnly": True})
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": names.CLUSTER,
        "networking": {"apiServerAddress": "127.0.0.1"},
        "nodes": nodes,
        "kubeadmConfigPatches": [_api_server(), *([_SCHEDULABLE_CONTROL_PLANE] if len(nodes) > 1 else [])],
    }
    if source is Source.BUILD:  # see pod_network
        config["networking"] |= {"disableDefaultCNI": True, "podSubnet": pod_network.SUBNET}
    if restrict_oom:
        config["containerdConfigPatches"] = [_RESTRICT_OOM]
    return config


def _node(role: str, store: Path | None) -> dict[str, Any]:
    mounts = [] if store is None else [{"hostPath": str(store), "containerPath": "/var/lib/containerd"}]
    return {"role": role, "extraMounts": mounts}


def _api_server() -> str:
    """A kubeadm ClusterConfiguration (v1beta3, what kind 0.33 writes for Kubernetes before 1.36) with the audit log."""
    return f"""\
kind: ClusterConfiguration
apiServer:
  extraArgs:
    audit-policy-file: {_POLICY}
    audit-log-path: {LOG}
    audit-log-maxsize: "50"
    audit-log-maxbackup: "3"
  extraVolumes:
    - name: audit-policy
      hostPath: {_POLICY}
      mountPath: {_POLICY}
      readOnly: true
      pathType: File
    - name: audit-log
      hostPath: {Path(LOG).parent}
      mountPath: {Path(LOG).parent}
      readOnly: false
      pathType: DirectoryOrCreate
"""
