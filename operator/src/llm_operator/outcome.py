"""The output of one sync: what to write, as plain data. The reconciler sends it, the CLI prints it, tests compare it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ClusterPatch:
    """A JSON patch (RFC 6902) of a live RayCluster: worker group bounds, which KubeRay does not copy to it
    (KubeRay 1.6.2, utils/util.go mutes them in its hash). Each replace is guarded by a `test` of the group's name."""

    name: str
    operations: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """An event about the LLMDeployment, recorded once per transition (events.k8s.io/v1)."""

    type: str
    """Normal or Warning."""
    reason: str
    """CamelCase, from a closed list in `sync.py` and `api.conditions.Reason`."""
    note: str
    """One sentence for people, at most 1024 characters."""
    action: str = "Reconcile"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the reconciler has to write; empty means zero writes."""

    status: dict[str, Any]
    """The whole wanted status. Written (server-side apply on /status) only if it differs from the parent's."""
    apply: dict[str, Any] | None = None
    """The RayService to apply (server-side, forced), or None when the live one is as it should be.
    After a successful apply the reconciler calls sync again with the returned object as child, `applied=True` and
    the same parent; the second outcome's status is the one to write, its `apply` is None."""
    delete_child: bool = False
    """Delete the RayService (spec.suspend), with its uid as precondition, in the background."""
    patches: tuple[ClusterPatch, ...] = ()
    """RayClusters to patch."""
    events: tuple[Event, ...] = field(default=())
    """Events to record (of the pass with the apply: drift; of the pass whose status is written: transitions)."""
    requeue_after: float | None = None
    """Seconds after which to sync again although nothing changed (a time limit is near); None = wait for events."""
