"""Volumes and mounts of a worker pod; names in a fixed order (order decides restarts)."""

from typing import Any, Final

from llm_operator.api import quantity
from llm_operator.plan.pods import Claim, KeyFile, Mount, NodeFolder, PodResources, Scratch, Volume

SHM: Final = "shared-mem"  # KubeRay's own name for it (1.6.2, controllers/ray/common/pod.go)


def shared_memory(resources: PodResources) -> dict[str, Any]:
    """Shared memory as a volume in memory; counts against the pod's memory."""
    return {"name": SHM, "emptyDir": {"medium": "Memory", "sizeLimit": quantity.canonical(resources.shared_memory)}}


def _source(volume: Volume) -> dict[str, Any]:
    match volume:
        case Claim(name=name):
            return {"persistentVolumeClaim": {"claimName": name}}
        case KeyFile(kind="secret", name=name, key=key):
            return {"secret": {"secretName": name, "items": [{"key": key, "path": key}]}}
        case KeyFile(name=name, key=key):
            return {"configMap": {"name": name, "items": [{"key": key, "path": key}]}}
        case Scratch(size_limit=None):
            return {"emptyDir": {}}
        case Scratch(size_limit=limit):
            return {"emptyDir": {"sizeLimit": quantity.canonical(str(limit))}}
        case NodeFolder(path=path):
            return {"hostPath": {"path": path, "type": "DirectoryOrCreate"}}
    raise TypeError(f"no such volume: {volume!r}")


def volumes(mounts: tuple[Mount, ...]) -> list[dict[str, Any]]:
    """One for each mount."""
    return [{"name": mount.name, **_source(mount.volume)} for mount in mounts]


def volume_mounts(mounts: tuple[Mount, ...]) -> list[dict[str, Any]]:
    """As the Ray container sees them. A key of a Secret or ConfigMap is mounted as one file."""
    made = []
    for mount in mounts:
        entry: dict[str, Any] = {"name": mount.name, "mountPath": mount.path}
        if mount.read_only or isinstance(mount.volume, KeyFile):
            entry["readOnly"] = True
        if isinstance(mount.volume, KeyFile):
            entry["subPath"] = mount.volume.key
        elif isinstance(mount.volume, Claim) and mount.volume.sub_path is not None:
            entry["subPath"] = mount.volume.sub_path
        made.append(entry)
    return made
