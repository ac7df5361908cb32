"""Names and versions of the local cluster: the only place where they are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CLUSTER: Final = "llm-operator"
CONTEXT: Final = f"kind-{CLUSTER}"
NODE: Final = f"{CLUSTER}-control-plane"  # kind's name for the container that is the node
NETWORK: Final = "kind"
S3_LABEL: Final = f"{CLUSTER}.s3"  # of the containers of S3 servers for tests
REDIS_LABEL: Final = f"{CLUSTER}.redis"  # of the containers of Redis servers for tests

KUBERNETES_VERSION: Final = "v1.34.4"
KUBERAY_VERSION: Final = "v1.6.2"
KUBERAY_IMAGE: Final = f"quay.io/kuberay/operator:{KUBERAY_VERSION}"
TRAEFIK_IMAGE: Final = "traefik:v3.6.12"  # for tests of strategy Incremental: the version in tools/traefik/go.mod
# The 1.34 image that kind's release notes of v0.33.0 list; only with its digest is it the one made for that release.
KINDEST_NODE: Final = "kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d"
DEBIAN_IMAGE: Final = "debian:12-slim"
DEBIAN_SUITE: Final = "bookworm"

IMAGE_VERSION: Final = "0.1.0"
BASE_IMAGE: Final = "llm-operator/base:12"
ROOTFS_IMAGE: Final = "llm-operator/debian:12"
NODE_IMAGE: Final = f"llm-operator/kind-node:{KUBERNETES_VERSION}"
BUILDABLE: Final = ("operator", "serve-cpu")
ON_DEMAND: Final = ("serve",)  # not for the local cluster: built by `build` alone
RAY_LLM_IMAGE: Final = "rayproject/ray-llm:2.60.0-py312-cu130"
PRELOADED: Final = frozenset({"serve-cpu"})  # large and seldom changed: part of the node's golden store

OPERATOR_NAMESPACE: Final = "llm-operator-system"
KUBERAY_NAMESPACE: Final = "kuberay-system"
MODELS_NAMESPACE: Final = "llm"
GATEWAY_NAMESPACE: Final = "gateway-system"  # while a test needs a Gateway

ROOT: Final = Path(__file__).resolve().parents[2]


def image_ref(name: str) -> str:
    """The tag under which charts and samples name one of our images."""
    return f"llm-operator/{name}:{IMAGE_VERSION}"


def cache_dir() -> Path:
    """The directory of everything that is kept between runs; it is created, and never inside the work tree."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "llm-operator"
    path = Path(os.environ.get("LLM_OPERATOR_CACHE") or default).expanduser().resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def kubeconfig() -> Path:
    """The kubeconfig of this cluster alone; the user's own file is never read or written."""
    return cache_dir() / "kubeconfig"


def binary(name: str) -> Path:
    """Where the tool `name` (kind, kubectl, helm) lies once `tools` has made it."""
    return cache_dir() / "bin" / name


def lock(name: str) -> Path:
    """The lock file for one kind of work (see `shell.locked`)."""
    return cache_dir() / "locks" / f"{name}.lock"
