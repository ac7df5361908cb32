"""The kind configuration: what every cluster has, and what only some hosts need."""

from __future__ import annotations

from pathlib import Path

import yaml
from cluster.kind_config import kind_config
from cluster.source import Source
from cluster.store import usable

_POLICY = Path("/cache/audit-policy.yaml")


def test_a_plain_host_with_registries() -> None:
    config = kind_config(Source.PULL, policy=_POLICY, stores=[None], restrict_oom=False)
    assert config["networking"] == {"apiServerAddress": "127.0.0.1"}
    assert [mount["hostPath"] for mount in config["nodes"][0]["extraMounts"]] == [str(_POLICY)]
    assert "containerdConfigPatches" not in config


def test_a_host_that_builds_its_node_and_lacks_a_capability() -> None:
    config = kind_config(Source.BUILD, policy=_POLICY, stores=[Path("/cache/store/live/a")], restrict_oom=True)
    assert config["networking"]["disableDefaultCNI"] is True
    assert {"hostPath": "/cache/store/live/a", "containerPath": "/var/lib/containerd"} in config["nodes"][0][
        "extraMounts"
    ]
    assert "restrict_oom_score_adj = true" in config["containerdConfigPatches"][0]


def test_every_one_of_several_nodes_takes_pods_and_has_a_store_of_its_own() -> None:
    stores = [Path("/live/control-plane"), Path("/live/worker"), None]
    config = kind_config(Source.BUILD, policy=_POLICY, stores=stores, restrict_oom=False)
    assert [node["role"] for node in config["nodes"]] == ["control-plane", "worker", "worker"]
    mounts = [{mount["containerPath"]: mount["hostPath"] for mount in node["extraMounts"]} for node in config["nodes"]]
    assert [found.get("/var/lib/containerd") for found in mounts] == ["/live/control-plane", "/live/worker", None]
    assert [str(_POLICY) in found.values() for found in mounts] == [True, False, False]
    patches = {document["kind"]: document for document in map(yaml.safe_load, config["kubeadmConfigPatches"])}
    assert patches["InitConfiguration"]["nodeRegistration"]["taints"] == []


def test_kind_itself_takes_the_taint_from_a_single_node() -> None:
    config = kind_config(Source.PULL, policy=_POLICY, stores=[None], restrict_oom=False)
    assert [yaml.safe_load(patch)["kind"] for patch in config["kubeadmConfigPatches"]] == ["ClusterConfiguration"]


def test_the_api_server_mounts_the_policy_that_it_is_told_to_read() -> None:
    config = kind_config(Source.PULL, policy=_POLICY, stores=[None], restrict_oom=False)
    server = yaml.safe_load(config["kubeadmConfigPatches"][0])["apiServer"]
    mounted = {volume["mountPath"] for volume in server["extraVolumes"]}
    assert server["extraArgs"]["audit-policy-file"] in mounted
    assert str(Path(server["extraArgs"]["audit-log-path"]).parent) in mounted
    assert config["nodes"][0]["extraMounts"][0]["containerPath"] == server["extraArgs"]["audit-policy-file"]


def test_the_shared_store_needs_an_engine_on_this_file_system() -> None:
    plain = {"OperatingSystem": "Debian GNU/Linux 12", "SecurityOptions": ["name=seccomp,profile=default"]}
    assert usable(plain, linux=True)
    assert not usable(plain, linux=False)
    assert not usable(None, linux=True)
    assert not usable({**plain, "OperatingSystem": "Docker Desktop"}, linux=True)
    assert not usable({**plain, "SecurityOptions": ["name=rootless"]}, linux=True)
