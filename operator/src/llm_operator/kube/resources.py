"""The kinds that the operator touches, and their paths."""

from dataclasses import dataclass
from typing import Final

from llm_operator.api import names


@dataclass(frozen=True, slots=True)
class Resource:
    """One namespaced kind of the API."""

    group: str
    version: str
    plural: str
    kind: str
    selector: str | None = None
    """Label selector of all lists and watches of it, applied by the server; None = all objects."""

    @property
    def api_version(self) -> str:
        """As in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """Path of the group and version; a GET of it lists the kinds that are served."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Path of a collection (`namespace` None = of the whole cluster), an object or its subresource."""
        parts = [self.root]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part is not None]
        return "/".join(parts)


LLMDEPLOYMENTS: Final = Resource(names.GROUP, names.VERSION, names.PLURAL, names.KIND)
RAYSERVICES: Final = Resource(
    names.RAY_GROUP, names.RAY_VERSION, "rayservices", names.RAY_SERVICE_KIND, names.CHILD_SELECTOR
)
RAYCLUSTERS: Final = Resource(names.RAY_GROUP, names.RAY_VERSION, "rayclusters", "RayCluster", names.CHILD_SELECTOR)
PODS: Final = Resource("", "v1", "pods", "Pod", names.CHILD_SELECTOR)
ALL_PODS: Final = Resource("", "v1", "pods", "Pod")
"""Of everybody: only to count what is free."""
NODES: Final = Resource("", "v1", "nodes", "Node")
CONTROLLERREVISIONS: Final = Resource("apps", "v1", "controllerrevisions", "ControllerRevision", names.CHILD_SELECTOR)
PODDISRUPTIONBUDGETS: Final = Resource(
    "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", names.CHILD_SELECTOR
)
GATEWAYS: Final = Resource("gateway.networking.k8s.io", "v1", "gateways", "Gateway")
GATEWAYCLASSES: Final = Resource("gateway.networking.k8s.io", "v1", "gatewayclasses", "GatewayClass")
HTTPROUTES: Final = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")

RAY_KINDS: Final = (RAYSERVICES, RAYCLUSTERS)
"""Kinds that are there only after KubeRay was installed."""
OTHER_KINDS: Final = (CONTROLLERREVISIONS, PODDISRUPTIONBUDGETS)
"""Children beside the RayService: whole objects of ours, applied when they differ, deleted when nobody wants them."""
CHILD_KINDS: Final = (*RAY_KINDS, PODS, *OTHER_KINDS)
WATCHED: Final = (LLMDEPLOYMENTS, *CHILD_KINDS)
