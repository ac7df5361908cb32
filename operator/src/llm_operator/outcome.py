"""The output of one sync: what to write, as plain data. The reconciler sends it, the CLI prints it, tests compare it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llm_operator.plan.probing import Progress, Target


@dataclass(frozen=True, slots=True)
class ClusterPatch:
    """A JSON patch (RFC 6902) of a live RayCluster: worker group bounds, which KubeRay does not copy to it
    (KubeRay 1.6.2, utils/util.go mutes them in its hash). Each replace is guarded by a `test` of the group's name."""

    name: str
    operations: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """A further child that is no longer wanted; deleted with its uid as precondition."""

    api_version: str
    kind: str
    name: str
    uid: str


STALLED_GRACE_SECONDS: Final = 30
"""What such a pod has to end, whatever it was made with: Serve starts the replica elsewhere meanwhile, and the requests that would be
waited for make no token."""


@dataclass(frozen=True, slots=True)
class PodDeletion:
    """A pod to delete, with its uid as precondition: a replica in it has stalled, and no other one lives there."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Probing:
    """What the prober has to ask from now on, instead of what it asked before."""

    targets: tuple[Target, ...] = ()
    progress: tuple[Progress, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingDrop:
    """A Ray cluster under preparation that KubeRay is to give up: its name goes out of the RayService's status (see
    `rollout.pending`). KubeRay deletes the cluster after rayClusterDeletionDelaySeconds."""

    cluster: str

    @property
    def operations(self) -> tuple[dict[str, Any], ...]:
        """JSON patch of the RayService's status; refused when another cluster is pending by now."""
        pending = "/status/pendingServiceStatus"
        return (
            {"op": "test", "path": f"{pending}/rayClusterName", "value": self.cluster},
            {"op": "replace", "path": pending, "value": {}},
        )


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
    room_for: Mapping[str, Any] | None = None
    """The rayClusterConfig whose pods should be counted against what is free before `apply` is sent, if that may be done: then sync is
    called again with `Scope.room`, and says the same or something else."""
    delete_child: bool = False
    """Delete the RayService (spec.suspend, strategy Recreate), with its uid as precondition, in the background."""
    announce: bool = False
    """Write the status and record the events, then call sync again at once with the new status: what follows was said first."""
    patches: tuple[ClusterPatch, ...] = ()
    """RayClusters to patch."""
    drop_pending: PendingDrop | None = None
    """After the RayService was applied and before the status."""
    objects: tuple[dict[str, Any], ...] = ()
    """Further children to apply (server-side, forced), after the RayService and before the status."""
    removals: tuple[Removal, ...] = ()
    """Further children to delete."""
    events: tuple[Event, ...] = field(default=())
    """Events to record (of the pass with the apply: drift; of the pass whose status is written: transitions)."""
    pod_deletions: tuple[PodDeletion, ...] = ()
    """Pods to delete, after the status: it counts them."""
    probing: Probing | None = None
    """None: as before."""
    requeue_after: float | None = None
    """Seconds after which to sync again although nothing changed (a time limit is near); None = wait for events."""
