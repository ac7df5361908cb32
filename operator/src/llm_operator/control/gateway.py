"""Looks after what strategy Incremental needs: the Gateway API, the GatewayClass, the Gateway that KubeRay makes.

Asked for the few objects that use the strategy, at each look at one; nothing is watched, since KubeRay labels none of it (1.6.2).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from llm_operator.kube.client import Cluster
from llm_operator.kube.errors import Forbidden
from llm_operator.kube.resources import GATEWAYCLASSES, GATEWAYS, HTTPROUTES
from llm_operator.plan.inputs import GatewaySeen, Scope

LOOK_AGAIN_SECONDS: Final = 30.0
"""While something is missing."""


def _class(scope: Scope) -> str | None:
    """The GatewayClass that a spec of strategy Incremental names, if the administrator allows it; the spec may be wrong."""
    rollout = (scope.parent.get("spec") or {}).get("rollout")
    if not isinstance(rollout, Mapping) or rollout.get("strategy") != "Incremental":
        return None
    numbers = rollout.get("incremental")
    name = numbers.get("gatewayClassName") if isinstance(numbers, Mapping) else None
    return name if name in scope.policy.gateway_classes else None


def _address(gateway: Mapping[str, Any] | None) -> str:
    addresses = ((gateway or {}).get("status") or {}).get("addresses") or ()
    found = next((str(each.get("value", "")) for each in addresses), "")
    return f"[{found}]" if ":" in found else found


class Gateways:
    """One per reconciler."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def look(self, scope: Scope) -> Scope:
        """The scope with what is there. Raises ApiError."""
        wanted = _class(scope)
        if wanted is None:
            return scope
        for kind in (GATEWAYS, HTTPROUTES):
            if not await self._cluster.is_served(kind):
                return replace(scope, gateway=GatewaySeen(served=False, class_found=False))
        return replace(
            scope, gateway=GatewaySeen(class_found=await self._found(wanted), address=await self._gateway(scope))
        )

    async def _found(self, name: str) -> bool:
        try:
            return await self._cluster.get(GATEWAYCLASSES, None, name) is not None
        except Forbidden:  # no ClusterRole: the administrator's word has to do
            return True

    async def _gateway(self, scope: Scope) -> str:
        return _address(await self._cluster.get(GATEWAYS, scope.namespace, f"{scope.name}-gateway"))


def wait(scope: Scope) -> float | None:
    """Seconds until the next look; None when nothing is missing."""
    seen = scope.gateway
    complete = seen is None or (seen.served and seen.class_found and bool(seen.address))
    return None if complete else LOOK_AGAIN_SECONDS
