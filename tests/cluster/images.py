"""Our own images (operator, serve-cpu, serve): built when what they are made of changed, loaded once per image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from cluster import base, hashing, host, names, nodes, store
from cluster.engine import docker, image_id, pull_all, remove_tags
from cluster.shell import ClusterError, failure, locked, parallel, step, stream_command
from cluster.source import Source

_LOADED: Final = "loaded.json"
_LEFT_OUT: Final = frozenset({"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"})


def build(name: str, source: Source) -> str:
    """Build images/NAME if its content hash changed; return its reference.

    The hash covers the Dockerfile, the files of the repository that it copies, and the base image; the build sees
    no other files. The image gets two tags, the version and `sha-HASH`; a superseded one of that name is removed.
    """
    dockerfile = names.ROOT / "images" / name / "Dockerfile"
    if not dockerfile.is_file():
        raise ClusterError(f"there is no image {name}: {dockerfile.relative_to(names.ROOT)} does not exist")
    with locked(names.lock(f"build-{name}")):
        base_image = _base(name, source)
        files = context_files(dockerfile.read_text(), names.ROOT) | {dockerfile}
        key = hashing.of_text(image_id(base_image) or "", hashing.of_files(files, names.ROOT))
        reference, tagged = names.image_ref(name), f"llm-operator/{name}:sha-{key}"
        if image_id(tagged) is None:
            _docker_build(dockerfile, files, base_image, tagged)
        docker("tag", tagged, reference)
        remove_tags(f"llm-operator/{name}", keep={reference, tagged}, prefix="sha-")
    return reference


def _base(name: str, source: Source) -> str:
    """The image that NAME is built from. For `serve` any that holds Ray: the environment's BASE, else Ray's own image with
    vLLM for GPUs, else, where no registry is reachable, our serve-cpu.
    """
    if name != "serve":
        return base.ensure_base(source)
    chosen = os.environ.get("BASE") or (names.RAY_LLM_IMAGE if source is Source.PULL else build("serve-cpu", source))
    pull_all(chosen)
    return chosen


def _docker_build(dockerfile: Path, files: set[Path], base_image: str, tag: str) -> None:
    log = names.cache_dir() / "logs" / f"build-{dockerfile.parent.name}.log"
    before = layers(log.read_text()) if log.exists() else []
    with step(f"docker build {dockerfile.parent.name} (log: {log})"), tempfile.TemporaryDirectory() as context:
        for file in files:
            target = Path(context) / file.relative_to(names.ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
        arguments = [
            "docker",
            "build",
            "--network",
            "host",
            "--build-arg",
            f"BASE_IMAGE={base_image}",
            *host.build_arguments(),
            "-f",
            f"{context}/{dockerfile.relative_to(names.ROOT)}",
            "-t",
            tag,
            context,
        ]
        code, output = stream_command(arguments, log, env={"DOCKER_BUILDKIT": "0"})
        if code != 0:
            raise ClusterError(failure(arguments, code, output))
        now = layers(output)
        _remove_layers([identifier for identifier in before if now and identifier not in now])


def copied_paths(dockerfile: str) -> list[str]:
    """The paths that COPY and ADD take from the build context, in order; `--from=` copies are not among them."""
    found: list[str] = []
    for line in dockerfile.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True) if line.split(" ")[0].upper() in ("COPY", "ADD") else []
        flags = [word for word in words if word.startswith("--")]
        if words and not any(flag.startswith("--from=") for flag in flags):
            plain = [word for word in words[1:] if not word.startswith("--")]
            found += plain[:-1]
    return found


def context_files(dockerfile: str, root: Path) -> set[Path]:
    """The files under `root` that a Dockerfile copies, without compiled Python; raises ClusterError for none."""
    found: set[Path] = set()
    for pattern in copied_paths(dockerfile):
        matches = [path for path in root.glob(pattern.strip("/"))]
        files = {file for path in matches for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()}
        if not files:
            raise ClusterError(f"the Dockerfile copies {pattern}, but the repository has no such file")
        found |= {file for file in files if not _LEFT_OUT & set(file.relative_to(root).parts)}
    return {file for file in found if not any(part.endswith(".egg-info") for part in file.parts)}


def layers(log: str) -> list[str]:
    """The ids of the images, one for each step, that the classic builder names in its output."""
    return re.findall(r"^ ---> ([0-9a-f]{12})$", log, re.MULTILINE)


def _remove_layers(ids: list[str]) -> None:
    """Remove the untagged images among `ids`, last step first; what others are built on stays."""
    for identifier in reversed(ids):
        if docker("image", "inspect", "--format", "{{len .RepoTags}}", identifier, check=False) == "0":
            docker("rmi", identifier, check=False)


def load(reference: str) -> None:
    """Make an image available in every running node, unless these nodes have this very image already."""
    with locked(names.lock("load")):
        if not loaded(reference):
            with step(f"load {reference} into the nodes"):
                parallel(*(partial(store.stream, reference, node) for node in nodes.existing()))
            note_loaded(reference)


def loaded(reference: str) -> bool:
    """Whether the running nodes have the image that the Docker engine has under `reference`."""
    seen = _read_loaded()
    return seen.get("nodes") == nodes.identity() and seen.get(reference) == image_id(reference)


def note_loaded(*references: str) -> None:
    """Remember that the running nodes have these images."""
    these, seen = nodes.identity(), _read_loaded()
    kept = seen if seen.get("nodes") == these else {"nodes": these}
    kept |= {reference: image_id(reference) or "" for reference in references}
    (names.cache_dir() / _LOADED).write_text(json.dumps(kept, indent=2))


def _read_loaded() -> dict[str, str]:
    try:
        read: dict[str, str] = json.loads((names.cache_dir() / _LOADED).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return read
