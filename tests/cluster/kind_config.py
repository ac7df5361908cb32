"""The configuration of the kind cluster: one node, an audit log, what this host needs. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from cluster import names
from cluster.audit import LOG
from cluster.source import Source

_POLICY: Final = "/etc/kubernetes/audit/policy.yaml"
_RESTRICT_OOM: Final = '[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n'


def kind_config(source: Source, *, policy: Path, store: Path | None, restrict_oom: bool) -> dict[str, Any]:
    """kind's Cluster document.

    `policy` is the audit policy on this machine, `store` the folder that becomes the node's containerd store
    (None: the node image's own), `restrict_oom` is for hosts without CAP_SYS_RESOURCE, which is needed to lower
    an OOM score.
    """
    mounts = [{"hostPath": str(policy), "containerPath": _POLICY, "readOnly": True}]
    if store is not None:
        mounts.append({"hostPath": str(store), "containerPath": "/var/lib/containerd"})
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": names.CLUSTER,
        "networking": {"apiServerAddress": "127.0.0.1"},
        "nodes": [{"role": "control-plane", "extraMounts": mounts}],
        "kubeadmConfigPatches": [_api_server()],
    }
    if source is Source.BUILD:  # the node image built here has a CNI of its own
        config["networking"] |= {"disableDefaultCNI": True, "podSubnet": "10.244.0.0/24"}
    if restrict_oom:
        config["containerdConfigPatches"] = [_RESTRICT_OOM]
    return config


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
