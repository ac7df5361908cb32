"""Names and versions of the local cluster: the only place where they are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CLUSTER: Final = "llm-operator"
CONTEXT: Final = f"kind-{CLUSTER}"
NODE: Final = f"{CLUSTER}-control-plane"  # kind's name for the container that is the node
NETWORK: Final = "kind"

KUBERNETES_VERSION: Final = "v1.34.4"
KUBERAY_VERSION: Final = "v1.6.2"
KUBERAY_IMAGE: Final = f"quay.io/kuberay/operator:{KUBERAY_VERSION}"
KINDEST_NODE: Final = f"kindest/node:{KUBERNETES_VERSION}"
DEBIAN_IMAGE: Final = "debian:12-slim"
DEBIAN_SUITE: Final = "bookworm"

IMAGE_VERSION: Final = "0.1.0"
BASE_IMAGE: Final = "llm-operator/base:12"
ROOTFS_IMAGE: Final = "llm-operator/debian:12"
NODE_IMAGE: Final = f"llm-operator/kind-node:{KUBERNETES_VERSION}"
BUILDABLE: Final = ("operator", "serve-cpu")

OPERATOR_NAMESPACE: Final = "llm-operator-system"
KUBERAY_NAMESPACE: Final = "kuberay-system"
MODELS_NAMESPACE: Final = "llm"

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
