"""The Debian 12 base image that every image of ours is built from where registries of images are out of reach."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from cluster import hashing, host, names
from cluster.engine import apt_install, docker, image_id, pull_all, remove_tags
from cluster.shell import locked, run, step
from cluster.source import Source

_CONTEXT: Final = names.ROOT / "images" / "base"
_EXTRA_PACKAGES: Final = "ca-certificates"
# As in Debian's own slim images: no manuals and translations, but the licences.
_SLIM: Final = (
    *(f"path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "info", "locale", "groff", "lintian")),
    "path-include=/usr/share/doc/*/copyright",
)


def ensure_base(source: Source) -> str:
    """Make the local base image if its inputs changed, and return its reference.

    With registries it is `debian:12-slim`, without them a bootstrap from Debian's packages; in both cases with
    the host's own settings on top (see `host`).
    """
    with locked(names.lock("base")):
        return _ensure_base(source)


def _ensure_base(source: Source) -> str:
    files = host.overlay()
    settings = (f"{path}={content}" for path, content in sorted(files.items()))
    inputs = hashing.of_text(source, hashing.of_files([_CONTEXT], _CONTEXT), *settings)
    tagged = f"llm-operator/base:{inputs}"
    if image_id(tagged) is None:
        rootfs = _pulled() if source is Source.PULL else _bootstrapped()
        with step("base image: add the host's settings"), tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), files)
            docker("build", "--quiet", "--network", "host", "--build-arg", f"ROOTFS={rootfs}", "-t", tagged, folder)
    docker("tag", tagged, names.BASE_IMAGE)
    remove_tags("llm-operator/base", keep=[tagged, names.BASE_IMAGE])
    return names.BASE_IMAGE


def _write(context: Path, files: dict[str, str]) -> None:
    shutil.copy(_CONTEXT / "Dockerfile", context)
    (context / "host").mkdir()
    for path, content in files.items():
        target = context / "host" / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        target.chmod(0o644)


def _pulled() -> str:
    pull_all(names.DEBIAN_IMAGE)
    return names.DEBIAN_IMAGE


def _bootstrapped() -> str:
    """Debian 12 from its packages, through the host's own apt sources if it has some for that release."""
    sources = host.debian_sources()
    options = ["--variant=minbase", f"--include={_EXTRA_PACKAGES}", *(f"--dpkgopt={line}" for line in _SLIM)]
    if sources:  # they come back in `host/`, in one file
        options.append('--customize-hook=rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*')
    reference = f"{names.ROOTFS_IMAGE}-{hashing.of_text(sources, *options)}"
    if image_id(reference) is not None:
        return reference
    if shutil.which("mmdebstrap") is None:
        apt_install("mmdebstrap", why="no registry of images is reachable and the base image must be built here")
    with step("base image: bootstrap Debian 12"), tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "rootfs.tar"
        mirror = ["-"] if sources else []  # "-": the sources are on the standard input
        run(["mmdebstrap", *options, names.DEBIAN_SUITE, archive, *mirror], stdin=sources or None)
        docker("import", "--change", 'CMD ["bash"]', archive, reference)
    return reference
