"""The image of the kind node: pulled, or put together from Debian packages and Go programs.

A node built here has the plugins of the `ptp` CNI but no configuration for them: see `pod_network`.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cluster import golang, hashing, host, names
from cluster.engine import docker, image_id, pull_all
from cluster.golang import COREDNS, CRICTL, ETCD, KIND, KUBERNETES, NODE_PROGRAMS, PAUSE
from cluster.shell import ClusterError, pipe, step, wait_for
from cluster.source import Source

_CONTEXT: Final = names.ROOT / "images" / "kind-node"
_WORKSHOP: Final = f"{names.CLUSTER}-node-build"
# Program behind each image that kubeadm asks for: name in `kubeadm config images list`, entry point.
_COMPONENTS: Final = {
    "kube-apiserver": (KUBERNETES, ()),
    "kube-controller-manager": (KUBERNETES, ()),
    "kube-scheduler": (KUBERNETES, ()),
    "etcd": (ETCD, ()),
    "coredns": (COREDNS, ("/usr/local/bin/coredns",)),
    "pause": (PAUSE, ("/usr/local/bin/pause",)),
}
_SANDBOX_IMAGE: Final = "registry.k8s.io/pause:3.10"  # named in kind's containerd settings


def ensure_node_image(source: Source) -> str:
    """Return the reference of the node image, pulled or built if it is not there."""
    if source is Source.PULL:
        pull_all(names.KINDEST_NODE)
        return names.KINDEST_NODE
    reference = f"{names.NODE_IMAGE}-{_inputs()}"
    if image_id(reference) is None:
        _build(reference)
    return reference


def _inputs() -> str:
    built = [golang.key(program, *golang.linux_platform()) for program in (*NODE_PROGRAMS, KIND)]
    static = hashing.of_files([_CONTEXT / name for name in ("Dockerfile", "kube-proxy.Dockerfile")], _CONTEXT)
    code = Path(__file__).read_text()
    return hashing.of_text(image_id(names.BASE_IMAGE) or "", static, code, *built)


def _build(reference: str) -> None:
    folders = {program.name: golang.build(program, *golang.linux_platform()) for program in NODE_PROGRAMS}
    stage = f"{names.NODE_IMAGE}-stage"
    with step("node image: Debian packages and programs"), tempfile.TemporaryDirectory() as folder:
        _write_context(Path(folder), folders)
        docker(
            "build",
            "--quiet",
            "--network",
            "host",
            *host.build_arguments(),
            "-t",
            stage,
            "--build-arg",
            f"BASE_IMAGE={names.BASE_IMAGE}",
            "--build-arg",
            f"KUBERNETES_VERSION={names.KUBERNETES_VERSION}",
            folder,
        )
    with step("node image: control plane images"):
        images = _component_images(stage, folders)
        _commit_with(stage, images, reference)
        docker("rmi", "--force", *images, stage)


def _write_context(context: Path, folders: dict[str, Path]) -> None:
    kind = golang.module_folder(KIND, "sigs.k8s.io/kind")
    shutil.copytree(kind / "images" / "base" / "files", context / "files")
    shutil.rmtree(context / "files" / "LICENSES")
    (context / "bin").mkdir()
    for name in ("kubeadm", "kubelet", "kubectl"):
        shutil.copy(folders["kubernetes"] / name, context / "bin")
    shutil.copy(folders[CRICTL.name] / "crictl", context / "bin")
    shutil.copy(_CONTEXT / "Dockerfile", context)
    for path in (context / "files").rglob("*"):  # a module's files are read-only and never executable
        scripts = path.is_dir() or path.parent.name == "bin"
        path.chmod(0o755 if scripts else 0o644)


def _component_images(stage: str, folders: dict[str, Path]) -> list[str]:
    """Make the images that this kubeadm asks for, under the names that it asks for, and return these."""
    listed = docker(
        "run",
        "--rm",
        "--entrypoint",
        "kubeadm",
        stage,
        "config",
        "images",
        "list",
        "--kubernetes-version",
        names.KUBERNETES_VERSION,
    ).split()
    wanted = sorted({*listed, _SANDBOX_IMAGE})
    for image in wanted:
        name = image.rsplit("/", 1)[1].partition(":")[0]
        if name == "kube-proxy":
            _kube_proxy_image(image, folders["kubernetes"])
        elif name in _COMPONENTS:
            program, entrypoint = _COMPONENTS[name]
            import_binary(folders[program.name] / name, image, entrypoint)
        else:
            raise ClusterError(f"kubeadm {names.KUBERNETES_VERSION} asks for {image}: add it to _COMPONENTS here")
    return wanted


def import_binary(
    program: Path, image: str, entrypoint: Sequence[str], *, user: str = "", folder: str = "usr/local/bin/"
) -> None:
    """Make an image that holds one static program, in `folder` ("" is the root), and nothing else."""
    changes = ["ENV PATH=/usr/local/bin"] + ([f"USER {user}"] if user else [])
    if entrypoint:
        changes.append(f"ENTRYPOINT {list(entrypoint)}".replace("'", '"'))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tar.gettarinfo(program, arcname=f"{folder}{program.name}")
        entry.uid = entry.gid = 0
        with program.open("rb") as content:
            tar.addfile(entry, content)
    command = ["docker", "import", *(w for change in changes for w in ("--change", change)), "-", image]
    subprocess.run(command, input=archive.getvalue(), check=True, capture_output=True)


def _kube_proxy_image(image: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as context:
        shutil.copy(folder / "kube-proxy", context)
        shutil.copy(_CONTEXT / "kube-proxy.Dockerfile", Path(context) / "Dockerfile")
        docker(
            "build",
            "--quiet",
            "--network",
            "host",
            *host.build_arguments(),
            "-t",
            image,
            "--build-arg",
            f"BASE_IMAGE={names.BASE_IMAGE}",
            context,
        )


def _commit_with(stage: str, images: list[str], reference: str) -> None:
    """Start the stage, import the images into its containerd (unpacking is left to the node), commit it."""
    docker("rm", "--force", _WORKSHOP, check=False)
    docker("run", "--detach", "--privileged", "--name", _WORKSHOP, "--entrypoint", "containerd", stage)
    try:
        wait_for(
            "containerd in the node image answers",
            lambda: docker("exec", _WORKSHOP, "ctr", "version", check=False).count("Version") > 1,
            seconds=30,
            hint=f"See `docker logs {_WORKSHOP}`.",
        )
        pipe(
            ["docker", "save", *images],
            ["docker", "exec", "-i", _WORKSHOP, "ctr", "-n", "k8s.io", "images", "import", "--no-unpack", "-"],
        )
        docker("stop", _WORKSHOP)
        docker("commit", "--change", 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]', _WORKSHOP, reference)
    finally:
        docker("rm", "--force", "--volumes", _WORKSHOP, check=False)
