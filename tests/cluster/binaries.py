"""The command-line tools of the cluster (kind, kubectl, helm), built for this machine into the cache."""

from __future__ import annotations

from pathlib import Path

from cluster import golang, names
from cluster.golang import HELM, KIND, KUBECTL, KUBERNETES, Program


def ensure_tools() -> None:
    """Return with all three tools in place."""
    for program in (KIND, HELM, KUBECTL):
        ensure_tool(program)


def ensure_tool(program: Program) -> Path:
    """Put the program of that name into the cache's bin folder, built only when its go.mod changed."""
    target = names.binary(program.name)
    built = _kubectl_of_node() if program is KUBECTL else None
    source = built or golang.build(program, *golang.host_platform()) / program.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or not target.samefile(source):
        part = target.with_suffix(".part")
        part.unlink(missing_ok=True)
        part.hardlink_to(source)
        part.replace(target)
    return target


def _kubectl_of_node() -> Path | None:
    """The node's kubectl where it runs on this machine too: it is the same program."""
    platform = golang.linux_platform()
    if golang.host_platform() != platform or not golang.is_built(KUBERNETES, *platform):
        return None
    return golang.output(KUBERNETES, *platform) / "kubectl"
