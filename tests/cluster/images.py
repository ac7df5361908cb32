"""Our own images (operator, serve-cpu): built when what they are made of changed, loaded once per image."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from cluster import base, hashing, host, names, store
from cluster.engine import docker, image_id
from cluster.shell import ClusterError, failure, say, step, stream_command
from cluster.source import Source

_LOADED: Final = "loaded.json"


def build(name: str, source: Source) -> str:
    """Build images/NAME (context: the repository root) if its content hash changed; return its reference.

    The hash covers the Dockerfile, the files it copies, the base image and the build arguments. The image gets two
    tags, the version and `sha-HASH`; a superseded image of the same name is removed.
    """
    dockerfile = names.ROOT / "images" / name / "Dockerfile"
    if not dockerfile.is_file():
        raise ClusterError(f"there is no image {name}: {dockerfile.relative_to(names.ROOT)} does not exist")
    base_image = base.ensure_base(source)
    key = hashing.of_text(image_id(base_image) or "", content_key(dockerfile.read_text(), names.ROOT))
    reference, tagged = names.image_ref(name), f"llm-operator/{name}:sha-{key}"
    if image_id(tagged) is None:
        log = names.cache_dir() / "logs" / f"build-{name}.log"
        with step(f"docker build {name} (log: {log})"):
            arguments = ["docker", "build", "--network", "host", "--build-arg", f"BASE_IMAGE={base_image}",
                         *host.build_arguments(), "-f", str(dockerfile), "-t", tagged, str(names.ROOT)]
            code, output = stream_command(arguments, log, env={"DOCKER_BUILDKIT": "0"})
        if code != 0:
            raise ClusterError(failure(arguments, code, output))
    docker("tag", tagged, reference)
    _remove_superseded(name, keep={reference, tagged})
    return reference


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


def content_key(dockerfile: str, root: Path) -> str:
    """The hash of a Dockerfile and of the files under `root` that it copies, less what .dockerignore leaves out."""
    ignore = root / ".dockerignore"
    patterns = [line.strip() for line in ignore.read_text().splitlines()] if ignore.is_file() else []
    files = {file for path in copied_paths(dockerfile) for file in _matching(root, path)}
    kept = [file for file in files if not _ignored(file.relative_to(root).as_posix(), patterns)]
    return hashing.of_text(dockerfile, hashing.of_files(kept, root))


def _matching(root: Path, pattern: str) -> Iterator[Path]:
    for path in [root] if pattern in (".", "./") else root.glob(pattern.strip("/")):
        yield from (file for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def _ignored(path: str, patterns: list[str]) -> bool:
    """.dockerignore's rules as far as we use them: the last pattern that matches the path or a parent decides."""
    ignored = False
    parts = path.split("/")
    prefixes = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for pattern in patterns:
        if not pattern or pattern.startswith("#"):
            continue
        bare = pattern.lstrip("!").strip("/")
        anywhere = bare.removeprefix("**/")
        if any(fnmatch(prefix, bare) or (bare != anywhere and fnmatch(prefix.rsplit("/", 1)[-1], anywhere))
               for prefix in prefixes):
            ignored = not pattern.startswith("!")
    return ignored


def _remove_superseded(name: str, keep: set[str]) -> None:
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"llm-operator/{name}").split()
    for reference in set(listed) - keep:
        if ":sha-" in reference:
            docker("rmi", reference, check=False)


def load(reference: str) -> None:
    """Make an image available in the running node, unless this node has this very image already."""
    if loaded(reference):
        return
    with step(f"load {reference} into the node"):
        store.stream(reference)
    note_loaded(reference)


def _node_id() -> str:
    return docker("inspect", "--format", "{{.Id}}", names.NODE)


def loaded(reference: str) -> bool:
    """Whether the running node has the image that the Docker engine has under `reference`."""
    seen = _read_loaded()
    return seen.get("node") == _node_id() and seen.get(reference) == image_id(reference)


def note_loaded(*references: str) -> None:
    """Remember that the running node has these images."""
    node, seen = _node_id(), _read_loaded()
    kept = seen if seen.get("node") == node else {"node": node}
    kept |= {reference: image_id(reference) or "" for reference in references}
    (names.cache_dir() / _LOADED).write_text(json.dumps(kept, indent=2))


def _read_loaded() -> dict[str, str]:
    try:
        read: dict[str, str] = json.loads((names.cache_dir() / _LOADED).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return read


def missing_dockerfiles() -> list[str]:
    """Names of our images that this checkout cannot build."""
    absent = [name for name in names.BUILDABLE if not (names.ROOT / "images" / name / "Dockerfile").is_file()]
    for name in absent:
        say(f"images/{name}/Dockerfile does not exist: the cluster comes up without it")
    return absent
