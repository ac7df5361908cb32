"""The `Cluster` Protocol on the official client (kubernetes.aio), as plain JSON."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from llm_operator.api import names
from llm_operator.kube.client import Manifest, ObjectKey
from llm_operator.kube.errors import NotFound
from llm_operator.kube.resources import EVENTS, LEASES, Resource
from llm_operator.kube.transport import Transport

PAGE_SIZE: Final = 500
_APPLY: Final = "application/apply-patch+yaml"
_APPLY_QUERY: Final = {"fieldManager": names.FIELD_MANAGER, "force": "true"}
_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class KubeCluster:
    """`namespaces` empty means the whole cluster. `fence` raises NotLeader when this process may not write; it is asked
    right before every write is sent, that is, after waiting for a free slot."""

    def __init__(self, transport: Transport, *, namespaces: Sequence[str], fence: Callable[[], None]) -> None:
        self._transport = transport
        self._scopes: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._fence = fence

    async def apply(self, resource: Resource, manifest: Mapping[str, Any]) -> Manifest:
        """See Cluster."""
        metadata = manifest["metadata"]
        path = resource.path(metadata["namespace"], metadata["name"])
        return await self._patch(path, dict(manifest), _APPLY, query=_APPLY_QUERY, verb="apply")

    async def apply_status(self, resource: Resource, parent: Mapping[str, Any], status: Mapping[str, Any]) -> Manifest:
        """See Cluster."""
        name, namespace = parent["metadata"]["name"], parent["metadata"]["namespace"]
        version = parent["metadata"].get("resourceVersion")
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name, "namespace": namespace, **({"resourceVersion": version} if version else {})},
            "status": dict(status),
        }
        path = resource.path(namespace, name, "status")
        return await self._patch(path, body, _APPLY, query=_APPLY_QUERY, verb="apply-status")

    async def patch_json(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        subresource: str | None = None,
    ) -> Manifest:
        """See Cluster."""
        path = resource.path(namespace, name, subresource)
        query = {"fieldManager": names.FIELD_MANAGER}
        return await self._patch(path, list(operations), "application/json-patch+json", query=query, verb="patch")

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, grace_seconds: int | None = None
    ) -> Manifest | None:
        """See Cluster."""
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            answer: Manifest = await self._transport.request(
                "delete", "DELETE", resource.path(namespace, name), body=options, before_send=self._fence
            )
        except NotFound:
            return None
        return answer if answer.get("kind") == resource.kind else None

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Manifest | None:
        """See Cluster."""
        try:
            answer: Manifest = await self._transport.request("get", "GET", resource.path(namespace, name))
        except NotFound:
            return None
        return answer

    async def list_keys(self, resource: Resource) -> AsyncIterator[ObjectKey]:
        """See Cluster."""
        for namespace in self._scopes:
            query = {"limit": str(PAGE_SIZE)}
            if resource.selector:
                query["labelSelector"] = resource.selector
            while True:
                page = await self._transport.request(
                    "list", "GET", resource.path(namespace), query=query, accept=_METADATA_ONLY
                )
                for item in page.get("items") or ():
                    metadata = item["metadata"]
                    version = metadata.get("resourceVersion", "")
                    yield ObjectKey(metadata["namespace"], metadata["name"], metadata["uid"], version)
                token = page.get("metadata", {}).get("continue")
                if not token:
                    break
                query["continue"] = token

    async def list_pages(self, resource: Resource, *, fields: str, limit: int) -> AsyncIterator[list[Manifest]]:
        """See Cluster."""
        query = {"limit": str(limit), **({"fieldSelector": fields} if fields else {})}
        while True:
            page = await self._transport.request("list", "GET", resource.path(None), query=query)
            yield page.get("items") or []
            token = page.get("metadata", {}).get("continue")
            if not token:
                return
            query["continue"] = token

    async def is_served(self, resource: Resource) -> bool:
        """See Cluster."""
        try:
            answer = await self._transport.request("discover", "GET", resource.root)
        except NotFound:
            return False
        return any(item.get("name") == resource.plural for item in answer.get("resources", ()))

    async def create_event(self, event: Manifest) -> Manifest:
        """See Cluster."""
        path = EVENTS.path(event["metadata"]["namespace"])
        answer: Manifest = await self._transport.request(
            "create-event", "POST", path, body=event, before_send=self._fence
        )
        return answer

    async def get_event(self, namespace: str, name: str) -> Manifest | None:
        """See Cluster."""
        return await self.get(EVENTS, namespace, name)

    async def patch_event(self, namespace: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """See Cluster."""
        path = EVENTS.path(namespace, name)
        return await self._patch(path, dict(patch), "application/merge-patch+json", query={}, verb="patch-event")

    async def get_lease(self, namespace: str, name: str) -> Manifest | None:
        """See Cluster."""
        return await self.get(LEASES, namespace, name)

    async def create_lease(self, lease: Manifest) -> Manifest:
        """See Cluster."""
        path = LEASES.path(lease["metadata"]["namespace"])
        answer: Manifest = await self._transport.request("create-lease", "POST", path, body=lease)
        return answer

    async def update_lease(self, lease: Manifest) -> Manifest:
        """See Cluster."""
        path = LEASES.path(lease["metadata"]["namespace"], lease["metadata"]["name"])
        answer: Manifest = await self._transport.request("update-lease", "PUT", path, body=lease)
        return answer

    async def _patch(self, path: str, body: Any, content_type: str, *, query: dict[str, str], verb: str) -> Manifest:
        answer: Manifest = await self._transport.request(
            verb, "PATCH", path, query=query, body=body, content_type=content_type, before_send=self._fence
        )
        return answer
