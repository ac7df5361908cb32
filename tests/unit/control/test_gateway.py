"""What the operator looks up for strategy Incremental, and for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llm_operator.control.gateway import LOOK_AGAIN_SECONDS, Gateways, wait
from llm_operator.kube.errors import Forbidden
from llm_operator.kube.resources import GATEWAYCLASSES, GATEWAYS, HTTPROUTES, Resource
from llm_operator.plan.inputs import DEFAULT_POLICY, GatewaySeen, Scope

SPEC = {"rollout": {"strategy": "Incremental", "incremental": {"gatewayClassName": "istio"}}}


class ApiServer:
    """Answers from `stored`, and notes what it was asked."""

    def __init__(self, *served: Resource, **stored: Any) -> None:
        self.served, self.stored, self.asked = set(served), stored, list[tuple[Any, ...]]()

    async def is_served(self, resource: Resource) -> bool:
        return resource in self.served

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Any:
        self.asked.append((resource, namespace, name))
        found = self.stored.get(resource.plural)
        if isinstance(found, Exception):
            raise found
        return found


def _scope(spec: Any) -> Scope:
    parent = {"metadata": {"name": "chat", "namespace": "llm"}, "spec": spec}
    return Scope(parent=parent, now="", policy=replace(DEFAULT_POLICY, gateway_classes=("istio",)))


async def _look(api: ApiServer, spec: Any) -> GatewaySeen | None:
    return (await Gateways(api).look(_scope(spec))).gateway  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        {"rollout": None},
        {"rollout": {"strategy": "BlueGreen"}},
        {"rollout": {"strategy": "Incremental"}},
        {"rollout": {"strategy": "Incremental", "incremental": []}},
        {"rollout": {"strategy": "Incremental", "incremental": {"gatewayClassName": "envoy"}}},
    ],
)
async def test_others_cost_nothing(spec: Any) -> None:
    api = ApiServer(GATEWAYS, HTTPROUTES)
    assert await _look(api, spec) is None
    assert api.asked == []


@pytest.mark.parametrize("served", [(), (GATEWAYS,), (HTTPROUTES,)])
async def test_no_gateway_api(served: tuple[Resource, ...]) -> None:
    assert await _look(ApiServer(*served), SPEC) == GatewaySeen(served=False, class_found=False)


@pytest.mark.parametrize(
    ("gateway", "address"),
    [
        (None, ""),
        ({}, ""),
        ({"status": {}}, ""),
        ({"status": {"addresses": []}}, ""),
        ({"status": {"addresses": [{"type": "IPAddress", "value": "192.0.2.1"}, {"value": "192.0.2.2"}]}}, "192.0.2.1"),
        ({"status": {"addresses": [{"type": "Hostname", "value": "lb.example"}]}}, "lb.example"),
        ({"status": {"addresses": [{"type": "IPAddress", "value": "2001:db8::1"}]}}, "[2001:db8::1]"),
    ],
)
async def test_address(gateway: Any, address: str) -> None:
    api = ApiServer(GATEWAYS, HTTPROUTES, gatewayclasses={}, gateways=gateway)
    assert await _look(api, SPEC) == GatewaySeen(address=address)
    assert api.asked == [(GATEWAYCLASSES, None, "istio"), (GATEWAYS, "llm", "chat-gateway")]


async def test_class() -> None:
    assert await _look(ApiServer(GATEWAYS, HTTPROUTES), SPEC) == GatewaySeen(class_found=False)
    refused = ApiServer(GATEWAYS, HTTPROUTES, gatewayclasses=Forbidden(403, "Forbidden", "no"))
    assert await _look(refused, SPEC) == GatewaySeen(class_found=True)


def test_wait() -> None:
    scope = _scope(SPEC)
    assert wait(scope) is None
    assert wait(replace(scope, gateway=GatewaySeen(address="a"))) is None
    for seen in (GatewaySeen(), GatewaySeen(served=False, address="a"), GatewaySeen(class_found=False, address="a")):
        assert wait(replace(scope, gateway=seen)) == LOOK_AGAIN_SECONDS
