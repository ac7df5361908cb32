"""What the catalogue's tests stand on: fake accelerators, pods of two nodes that reach each other, an S3 server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from cluster import env, fake_devices, names, nodes, s3
from cluster.shell import ClusterError

_GPUS: Final = 8
_ECHO: Final = """
import http.server
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())
http.server.HTTPServer(("", 8080), Echo).serve_forever()
"""
_FETCH: Final = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"
_DOWNLOAD: Final = """
import sys
from ray.llm._internal.common.utils.cloud_utils import CloudFileSystem
CloudFileSystem.download_files("/tmp/adapter", sys.argv[1])
print(open("/tmp/adapter/weights/part.bin", "rb").read() == b"w" * 9_000_000)
"""
_LIST: Final = "import boto3; boto3.client('s3').list_buckets()"


def _pod(name: str, node: str, gpus: int) -> dict[str, Any]:
    """A pod that answers with the caller's address, on one node, as PodSecurity `restricted` wants it."""
    container = {
        "name": "echo",
        "image": names.image_ref("serve-cpu"),
        "command": ["python3", "-c", _ECHO],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"limits": {"nvidia.com/gpu": str(gpus)}, "requests": {"cpu": "10m"}},
    }
    spec = {
        "automountServiceAccountToken": False,
        "runtimeClassName": "nvidia",
        "nodeSelector": {"kubernetes.io/hostname": node, "nvidia.com/gpu.present": "true"},
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


class Namespace:
    """A namespace with one pod on each of two nodes, each with half of its node's GPUs."""

    def __init__(self) -> None:
        self.name = f"local-cluster-{uuid4().hex[:6]}"
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name, "labels": labels}})
        for pod, node in zip(("near", "far"), nodes.existing(), strict=False):
            service = {"selector": {"app": pod}, "ports": [{"port": 80, "targetPort": 8080}]}
            self.create(_pod(pod, node, _GPUS // 2))
            self.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": pod}, "spec": service})
        self.kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=90s")

    def kubectl(self, *args: str) -> str:
        return env.kubectl("-n", self.name, *args)

    def create(self, document: dict[str, Any]) -> None:
        scope = () if document["kind"] == "Namespace" else ("-n", self.name)
        env.kubectl(*scope, "create", "-f", "-", input=json.dumps(document))

    def address(self, pod: str) -> str:
        return self.kubectl("get", "pod", pod, "-o", "jsonpath={.status.podIP}")

    def python(self, pod: str, code: str, *args: str, variables: dict[str, str] | None = None) -> str:
        pairs = [f"{key}={value}" for key, value in (variables or {}).items()]
        return env.read_in_pod(self.name, pod, "env", *pairs, "python3", "-c", code, *args).strip()


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    assert len(nodes.existing()) > 1, "these tests need several nodes: `make cluster NODES=2`"
    fake_devices.give({"nvidia.com/gpu": _GPUS})
    made = Namespace()
    yield made
    env.kubectl("delete", "namespace", made.name, "--wait=false")
    fake_devices.take()


@pytest.fixture(scope="module")
def store() -> Iterator[s3.S3Server]:
    with s3.server() as running:
        yield running


def test_fake_accelerators_are_counted_like_real_ones(namespace: Namespace) -> None:
    first = nodes.existing()[0]
    assert fake_devices.given()[first]["nvidia.com/gpu"] == _GPUS
    namespace.create(_pod("too-many", first, _GPUS // 2 + 1))
    reason = 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}'
    namespace.kubectl("wait", "pod", "too-many", "--for=condition=PodScheduled=False", "--timeout=30s")
    assert "Insufficient nvidia.com/gpu" in namespace.kubectl("get", "pod", "too-many", "-o", reason)
    namespace.kubectl("delete", "pod", "too-many")


@pytest.mark.parametrize(("caller", "called"), [("near", "far"), ("far", "near")])
def test_a_pod_is_reached_from_another_node_under_its_own_address(
    namespace: Namespace, caller: str, called: str
) -> None:
    own = namespace.address(caller)
    assert namespace.python(caller, _FETCH, f"http://{namespace.address(called)}:8080") == own
    assert namespace.python(caller, _FETCH, f"http://{called}.{namespace.name}.svc.cluster.local") == own


def test_rays_own_downloader_reads_a_bucket_from_every_node(
    namespace: Namespace, store: s3.S3Server, tmp_path: Path
) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "part.bin").write_bytes(b"w" * 9_000_000)
    assert store.put(tmp_path, "models/adapter") == ["s3://models/adapter/weights/part.bin"]
    for pod in ("near", "far"):
        said = namespace.python(pod, _DOWNLOAD, "s3://models/adapter", variables=store.environment())
        assert said.splitlines()[-1] == "True"


def test_the_bucket_is_closed_without_the_secret(namespace: Namespace, store: s3.S3Server) -> None:
    with pytest.raises(ClusterError, match="SignatureDoesNotMatch"):
        namespace.python("near", _LIST, variables={**store.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"})
