"""The nodes' containerd stores: filled once per set of images, then cloned by hard links for each node of a cluster.

Loading a 7 GB image into a node takes minutes; most of it is unpacking. So the images are imported and unpacked
once into a `golden` store in the cache, and each node of a new cluster gets a clone: the layers are hard links (containerd never
changes a layer in place: containers write above them), the databases are copies. A clone takes seconds, keeps the
page cache warm and is thrown away with the cluster. Needs a Docker engine that shares this machine's file system;
elsewhere (Docker Desktop, rootless) images are streamed into each new node.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cluster import hashing, names
from cluster.engine import docker, docker_json, image_id
from cluster.shell import ClusterError, pipe, say, step, wait_for

_WORKSHOP: Final = f"{names.CLUSTER}-store-build"
# This machine's platform only: Docker may save an index that names platforms which it never pulled.
_IMPORT: Final = ("ctr", "-n", "k8s.io", "images", "import", "--digests", "--snapshotter=overlayfs", "-")
# Imported layers are in the content store as archives and unpacked as snapshots; only the snapshots are needed.
# The node image's own layers may not be unpacked yet, so they stay. Layers are what the manifests name as such:
# the blob of one that was unpacked before has no label of its own.
_LIST_BEFORE: Final = "ctr -n k8s.io content ls -q | sort > /run/before"
_DROP_ARCHIVES: Final = """
ctr -n k8s.io content ls | grep -o 'gc.ref.content.l.[0-9]*=sha256:[0-9a-f]*' | sed 's/.*=//' | sort -u > /run/layers
ctr -n k8s.io content ls -q | sort | comm -13 /run/before - | comm -12 - /run/layers > /run/archives
while read -r blob; do ctr -n k8s.io content rm "$blob" > /dev/null; done < /run/archives
"""
# The layers are hard links, the databases copies.
_COPY: Final = """
set -e
copy() {
  cp -al "$1" "$2"
  find "$2" -name '*.db' | while read -r db; do cp "$db" "$db.copy"; mv "$db.copy" "$db"; done
}
"""
_CLONE: Final = f"""{_COPY}
golden=$1; shift
rm -rf /store/live /store/live.part
mkdir /store/live.part
for node in "$@"; do copy "/store/$golden" "/store/live.part/$node"; done
mv /store/live.part /store/live
"""
# A golden store starts from the one before it ($2) where there is one, else from the node image's own.
_BEGIN: Final = f"""{_COPY}
rm -rf /store/*.part
if [ -n "$2" ]; then copy "/store/$2" "/store/$1.part"; else cp -a /var/lib/containerd "/store/$1.part"; fi
mount --bind "/store/$1.part" /var/lib/containerd
"""
# An import leaves a name by digest beside the tag; it would keep the image that the tag was taken from.
_DROP_REPLACED: Final = """
ctr -n k8s.io images ls | awk 'NR > 1 {print $1, $3}' > /run/names
awk '$1 !~ /@/ {print $2}' /run/names | sort -u > /run/tagged
awk '$1 ~ /@/' /run/names | while read -r name digest; do
  grep -qxF "$digest" /run/tagged || ctr -n k8s.io images rm --sync "$name" > /dev/null
done
"""


def usable(info: dict[str, Any] | None, *, linux: bool) -> bool:
    """Whether the engine (`docker info`) works on this machine's own file system, as root."""
    if not linux or info is None or "Docker Desktop" in info.get("OperatingSystem", ""):
        return False
    return not any("rootless" in option or "userns" in option for option in info.get("SecurityOptions") or [])


def engine_info() -> dict[str, Any] | None:
    """What `docker info` says, or None."""
    info: dict[str, Any] | None = docker_json("info", "--format", "{{json .}}")
    return info


def folder() -> Path:
    """Where the stores lie."""
    path = names.cache_dir() / "store"
    path.mkdir(parents=True, exist_ok=True)
    return path


def ensure_golden(node_image: str, images: Sequence[str]) -> str:
    """Make the store that holds the node image's own images and `images`; return its name.

    One of the same node image is the start of it: layers that it has are not unpacked again. Older ones go.
    """
    node = f"golden-{hashing.of_text(Path(__file__).read_text(), image_id(node_image) or '')}"
    name = f"{node}-{hashing.of_text(*images, *(image_id(reference) or '' for reference in images))}"
    if (folder() / name).is_dir():
        return name
    start = ""
    for old in sorted(path for path in folder().glob("golden-*") if path.suffix != ".part"):
        if old.name.startswith(node) and not start:
            start = old.name
        else:
            delete(old, node_image)
    _workshop(node_image)
    try:
        _fill(name, start, images)
    finally:
        docker("rm", "--force", "--volumes", _WORKSHOP, check=False)
    if start:
        delete(folder() / start, node_image)
    return name


def _workshop(node_image: str) -> None:
    docker("rm", "--force", "--volumes", _WORKSHOP, check=False)
    docker(
        "run",
        "--detach",
        "--privileged",
        "--name",
        _WORKSHOP,
        "--volume",
        f"{folder()}:/store",
        "--entrypoint",
        "sleep",
        node_image,
        "infinity",
    )


def _inside(script: str, *args: str, check: bool = True) -> str:
    return docker("exec", _WORKSHOP, "sh", "-c", script, "sh", *args, check=check)


def _fill(name: str, start: str, images: Sequence[str]) -> None:
    with step(f"node store: {', '.join(images)}"):
        _inside(_BEGIN, name, start)
        docker("exec", "--detach", _WORKSHOP, "sh", "-c", "exec containerd > /var/log/containerd.log 2>&1")
        wait_for(
            "containerd answers",
            lambda: "Server" in _inside("ctr version", check=False),
            seconds=60,
            hint=f"See `docker exec {_WORKSHOP} cat /var/log/containerd.log`.",
        )
        _inside(_LIST_BEFORE)
        for image in images:
            pipe(["docker", "save", image], ["docker", "exec", "-i", _WORKSHOP, *_IMPORT])
        _inside(_DROP_ARCHIVES)
        _inside(_DROP_REPLACED)
        _inside("pkill -TERM -x containerd; while pgrep -x containerd > /dev/null; do sleep 0.1; done; sync")
        _inside('mv "/store/$1.part" "/store/$1"', name)


def clone(name: str, node_image: str, nodes: Sequence[str]) -> list[Path]:
    """Make the store of each of `nodes` from the golden one, and return their folders in that order."""
    with step("node store: clone by hard links"):
        docker(
            "run",
            "--rm",
            "--privileged",
            "--volume",
            f"{folder()}:/store",
            "--entrypoint",
            "sh",
            node_image,
            "-c",
            _CLONE,
            "sh",
            name,
            *nodes,
        )
    return [folder() / "live" / node for node in nodes]


def delete(path: Path, node_image: str | None) -> None:
    """Delete a store; its files belong to root, so without root this is done in a container of `node_image`."""
    if not path.exists():
        return
    if os.geteuid() == 0:
        shutil.rmtree(path)
    elif node_image:
        docker(
            "run",
            "--rm",
            "--privileged",
            "--volume",
            f"{folder()}:/store",
            "--entrypoint",
            "rm",
            node_image,
            "-rf",
            f"/store/{path.name}",
        )
    else:
        say(f"left behind: {path} belongs to root; `sudo rm -rf {path}`")


def stream(image: str, node: str) -> None:
    """Load an image of the Docker engine into a running node."""
    if image_id(image) is None:
        raise ClusterError(f"there is no image {image} to load: build it first")
    docker("exec", node, "sh", "-c", _LIST_BEFORE)
    pipe(["docker", "save", image], ["docker", "exec", "-i", node, *_IMPORT])
    docker("exec", node, "sh", "-c", _DROP_ARCHIVES)
