"""What the operator needs of the Kubernetes API, as a Protocol: tests put a fake in its place."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from llm_operator.kube.resources import Resource

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON; the caller owns it."""


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """One object by name and by identity."""

    namespace: str
    name: str
    uid: str
    version: str = ""
    """Its resourceVersion; "" when the server did not say."""


class Cluster(Protocol):
    """All calls raise `kube.errors.ApiError`; writes (leases excepted) raise NotLeader while we may not write."""

    async def apply(self, resource: Resource, manifest: Mapping[str, Any]) -> Manifest:
        """Server-side apply, forced, of exactly the given fields; returns the object as stored."""
        ...

    async def apply_status(self, resource: Resource, parent: Mapping[str, Any], status: Mapping[str, Any]) -> Manifest:
        """Server-side apply of the whole status of `parent`; returns the object. Conflict when `parent` is not the newest
        version (or a namesake of it): a status that was made of an old object would take back what a newer one says."""
        ...

    async def patch_json(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        subresource: str | None = None,
    ) -> Manifest:
        """JSON patch (RFC 6902); a failed `test` raises Invalid. Returns the object."""
        ...

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, grace_seconds: int | None = None
    ) -> Manifest | None:
        """Background deletion of the object with that uid (another one raises Conflict; none is fine). `grace_seconds`: of a pod,
        between SIGTERM and SIGKILL; None as the pod says.
        Returns the object while finalizers hold it, None when it is gone."""
        ...

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Manifest | None:
        """The object, or None. `namespace` None: of a kind without namespaces."""
        ...

    def list_keys(self, resource: Resource) -> AsyncIterator[ObjectKey]:
        """Names of all watched objects of a kind, in pages, metadata only."""
        ...

    def list_pages(self, resource: Resource, *, fields: str, limit: int) -> AsyncIterator[list[Manifest]]:
        """All objects of a kind of the whole cluster, whatever is watched, `limit` at a time. `fields`: field selector, or ""."""
        ...

    async def is_served(self, resource: Resource) -> bool:
        """Whether the API server knows the kind now (discovery)."""
        ...

    async def create_event(self, event: Manifest) -> Manifest:
        """Creates an events.k8s.io/v1 Event in its namespace; Conflict when it exists."""
        ...

    async def get_event(self, namespace: str, name: str) -> Manifest | None:
        """The Event, or None."""
        ...

    async def patch_event(self, namespace: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """Merge patch of an Event (its series)."""
        ...

    async def get_lease(self, namespace: str, name: str) -> Manifest | None:
        """The Lease, or None."""
        ...

    async def create_lease(self, lease: Manifest) -> Manifest:
        """Creates a Lease; Conflict when it exists."""
        ...

    async def update_lease(self, lease: Manifest) -> Manifest:
        """Replaces a Lease; Conflict when its resourceVersion is not the newest."""
        ...
