"""KubeRay on the local cluster: its image (pulled or built) and its own manifests with more CPU."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

import yaml

from cluster import env, golang, hashing, names
from cluster.engine import image_id, pull_all
from cluster.golang import KUBERAY
from cluster.node_image import import_binary
from cluster.shell import run
from cluster.source import Source

_MODULE: Final = "github.com/ray-project/kuberay/ray-operator"
_CONTEXT: Final = names.ROOT / "images" / "kuberay"
_LABEL: Final = "llm-operator/kuberay"


def ensure_image(source: Source) -> str:
    """Return the reference of KubeRay's image, pulled or built if it is not there."""
    if source is Source.PULL:
        pull_all(names.KUBERAY_IMAGE)
        return names.KUBERAY_IMAGE
    program = golang.build(KUBERAY, *golang.linux_platform()) / "manager"
    tagged = f"{_LABEL}:{golang.key(KUBERAY, *golang.linux_platform())}"
    if image_id(tagged) is None:
        # KubeRay's manifest calls /manager; the user is the one of its own image.
        import_binary(program, tagged, ["/manager"], user="65532:65532", folder="")
    run(["docker", "tag", tagged, names.KUBERAY_IMAGE])
    return names.KUBERAY_IMAGE


def manifests() -> tuple[Path, Path]:
    """KubeRay's CRDs and the rest (RBAC, Deployment), rendered into the cache only when their inputs changed."""
    folder = names.cache_dir() / "built" / f"kuberay-manifests-{hashing.of_files([_CONTEXT], _CONTEXT)}"
    if not folder.is_dir():
        documents = list(yaml.safe_load_all(_render()))
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, wanted in (("crds.yaml", True), ("operator.yaml", False)):
            chosen = [item for item in documents if (item["kind"] == "CustomResourceDefinition") is wanted]
            (part / name).write_text(yaml.safe_dump_all(chosen))
        part.rename(folder)
    return folder / "crds.yaml", folder / "operator.yaml"


def _render() -> str:
    module = golang.module_folder(KUBERAY, _MODULE)
    with tempfile.TemporaryDirectory() as folder:
        for part in ("crd", "rbac", "manager", "default"):
            shutil.copytree(module / "config" / part, Path(folder) / "config" / part)
        shutil.copy(_CONTEXT / "kustomization.yaml", folder)
        return run([names.binary("kubectl"), "kustomize", folder]).stdout


def apply(path: Path) -> None:
    """Apply manifests by server-side apply: the CRDs are too large for the annotation of a client-side apply."""
    env.kubectl("apply", "--server-side", "--force-conflicts", "-f", path)


def wait_available(seconds: int = 180) -> None:
    """Return when KubeRay's Deployment is available; raises ClusterError after `seconds`."""
    env.kubectl(
        "-n", names.KUBERAY_NAMESPACE, "rollout", "status", "deployment/kuberay-operator", f"--timeout={seconds}s"
    )
