"""What runs now, and where it is read: files (`--against`) here, the cluster in `kubeconfig`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llm_operator.api import names
from llm_operator.capacity.room import Room
from llm_operator.cli.documents import UnusableFile
from llm_operator.kube.client import Manifest
from llm_operator.plan.inputs import Scope


class NoCluster(Exception):
    """The cluster cannot be asked; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Live:
    """One LLMDeployment and its RayService as they are; None where there is none, or it is not known."""

    parent: Manifest | None = None
    child: Manifest | None = None
    room: Room | None = None
    """For a second Ray cluster, where the operator would look too; None: nobody looked."""


def _documents(text: str) -> list[dict[str, Any]]:
    """Objects of a stream of YAML documents, and of lists (`kubectl get -o yaml`)."""
    found = [document for document in yaml.safe_load_all(text) if isinstance(document, dict)]
    items = [item for document in found for item in document.get("items") or () if isinstance(item, dict)]
    return [*(document for document in found if "items" not in document), *items]


class Files:
    """RayServices, and LLMDeployments as they were when these were made, if the files hold any."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Raises UnusableFile when a file cannot be read, or when no file holds a RayService."""
        self._objects: list[dict[str, Any]] = []
        for path in paths:
            try:
                self._objects += _documents(Path(path).read_text(encoding="utf-8"))
            except OSError as error:
                raise UnusableFile(f"--against {path}: cannot be read: {error.strerror}") from error
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                raise UnusableFile(f"--against {path}: is not YAML: {error}") from error
        if not any(each.get("kind") == names.RAY_SERVICE_KIND for each in self._objects):
            raise UnusableFile(f"--against {', '.join(paths)}: holds no {names.RAY_SERVICE_KIND}")

    def of(self, namespace: str, name: str) -> Live:
        """By kind and name, and by namespace where the object says one."""
        return Live(self._find(names.KIND, namespace, name), self._find(names.RAY_SERVICE_KIND, namespace, name))

    def room(self, scope: Scope, config: Mapping[str, Any]) -> Room | None:
        """Files do not say what is free."""
        return None

    def _find(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        for each in self._objects:
            metadata = each.get("metadata") or {}
            here = metadata.get("namespace", namespace) == namespace
            if here and (each.get("kind"), metadata.get("name")) == (kind, name):
                return each
        return None
