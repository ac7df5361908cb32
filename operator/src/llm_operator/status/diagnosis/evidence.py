"""What finders look at, and the words for it: which pod, which model, which field of the spec."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llm_operator.api.conditions import Reason
from llm_operator.api.names import MODEL_LABEL, RAY_GROUP_LABEL, RAY_NODE_TYPE_LABEL
from llm_operator.plan.inputs import Object, Scope
from llm_operator.plan.placement import group_name
from llm_operator.plan.plan import Plan
from llm_operator.status.observed import Observed

_KINDS: Final = {"models": "model", "applications": "application"}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is not as wanted, and what to do about it."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known of one LLMDeployment."""

    scope: Scope
    observed: Observed
    plan: Plan | None = None
    """None while the spec is wrong."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model or application of the spec, or the head (`entry` is then spec.ray.head), as far as it can be read."""

    kind: str
    """model, application or head."""
    name: str
    path: str
    """Where it stands, e.g. spec.models[0]."""
    entry: Mapping[str, Any]

    def __str__(self) -> str:
        return "head" if self.kind == "head" else f'{self.kind} "{self.name}"'

    @property
    def resources(self) -> str:
        """Path of the resources of its pods."""
        return f"{self._pods}.resources"

    @property
    def accelerators(self) -> str:
        """Path of the accelerators of its pods; of the head's, which has none, of their resources."""
        return self.resources if self.kind == "head" else f"{self._pods}.accelerators"

    @property
    def storage(self) -> str:
        """What gives its pods more room on disk."""
        more = f"raise {self.resources}.ephemeralStorage"
        return (
            f"{more}, or keep the weights on a large enough volume ({self.path}.cache.weights)"
            if self.kind == "model"
            else more
        )

    @property
    def _pods(self) -> str:
        return f"{self.path}.workers" if self.kind == "application" else self.path

    def get(self, *path: str) -> Any:
        """A value below its entry; None when it is not there."""
        node: Any = self.entry
        for key in path:
            node = node.get(key) if isinstance(node, Mapping) else None
        return node


def _entries(scope: Scope, kind: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    spec = scope.parent.get("spec")
    found = spec.get(kind) if isinstance(spec, Mapping) else None
    if isinstance(found, Sequence):
        yield from ((i, entry) for i, entry in enumerate(found) if isinstance(entry, Mapping))


def served(scope: Scope, name: str) -> Subject:
    """The model or application behind a Serve application. One that is no longer in the spec is called a model."""
    for kind, word in _KINDS.items():
        for i, entry in _entries(scope, kind):
            if entry.get("name") == name:
                return Subject(word, name, f"spec.{kind}[{i}]", entry)
    return Subject("model", name, "spec.models[]", {})


def is_head(pod: Object) -> bool:
    """Whether the pod is the Ray cluster's head."""
    return labels_of(pod).get(RAY_NODE_TYPE_LABEL) == "head"


def labels_of(pod: Object) -> Mapping[str, Any]:
    """The pod's labels."""
    return pod.get("metadata", {}).get("labels") or {}


def where(pod: Object) -> str:
    """The pod in the user's words; never its name, which changes when it is replaced."""
    return "head" if is_head(pod) else f'worker group "{labels_of(pod).get(RAY_GROUP_LABEL, "?")}"'


def owner(scope: Scope, pod: Object) -> Subject:
    """Whose pod it is."""
    if is_head(pod):
        return Subject("head", "", "spec.ray.head", {})
    labels = labels_of(pod)
    wanted = {labels.get(MODEL_LABEL), labels.get(RAY_GROUP_LABEL)}
    for kind in _KINDS:
        for _, entry in _entries(scope, kind):
            if group_name(str(entry.get("name"))) in wanted:
                return served(scope, str(entry["name"]))
    return Subject("model", str(labels.get(RAY_GROUP_LABEL, "?")), "spec.models[]", {})


def containers(pod: Object) -> Iterator[Mapping[str, Any]]:
    """Statuses of all containers, those that start first first."""
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def waiting(scope: Scope) -> Iterator[tuple[Object, Mapping[str, Any], str, str]]:
    """Pod, container, reason and message of each container that waits and says why."""
    for pod in scope.pods:
        for container in containers(pod):
            state = (container.get("state") or {}).get("waiting") or {}
            if state.get("reason"):
                yield pod, container, str(state["reason"]), str(state.get("message", ""))


def limits(pod: Object, container: str) -> Mapping[str, Any]:
    """Limits of one container of a pod; {} when it has none."""
    spec = pod.get("spec") or {}
    for entry in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        if entry.get("name") == container:
            return (entry.get("resources") or {}).get("limits") or {}
    return {}


def requests(pod: Object) -> dict[str, str]:
    """What the containers of a pod ask for; of each resource the largest single request (Ray pods have one big container)."""
    found: dict[str, str] = {}
    for entry in (pod.get("spec") or {}).get("containers") or ():
        for name, value in ((entry.get("resources") or {}).get("requests") or {}).items():
            found.setdefault(str(name), str(value))
    return found


def condition(pod: Object, kind: str) -> Mapping[str, Any]:
    """One condition of a pod; {} when it is not there."""
    found = (pod.get("status") or {}).get("conditions") or ()
    return next((entry for entry in found if entry.get("type") == kind), {})


def leaving(pod: Object) -> bool:
    """Whether the pod is being deleted."""
    return "deletionTimestamp" in pod.get("metadata", {})
