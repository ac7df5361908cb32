"""Prefill and decode: connectors of both halves, names, numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import llm
from llm_operator.api.spec.deployment import parse_spec
from llm_operator.plan.plan import Builder, ModelPlan
from llm_operator.plan.resolve import resolve
from ray.llm._internal.serve.engines.vllm.kv_transfer import factory

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MI300X = [{"type": "AMD-Instinct-MI300X-OAM"}]


def made(**model: Any) -> ModelPlan:
    spec = parse_spec(llm("a.b").model(**model).object()["spec"])
    return resolve(spec, name="chat", namespace="llm", uid="u", routes={}, now=NOW).models[0]


def transfer(**model: Any) -> list[dict[str, Any]]:
    return [dict(server.engine.engine_kwargs)["kv_transfer_config"] for server in made(**model).serving.servers]


def test_nixl_on_both_halves() -> None:
    assert transfer(disaggregation={}) == [{"kv_connector": "NixlConnector", "kv_role": "kv_both"}] * 2


def test_lmcache_asks_its_memory_before_the_network() -> None:
    for config in transfer(disaggregation={"connector": "LMCache"}):
        assert config["kv_connector"] == "MultiConnector"
        names = [entry["kv_connector"] for entry in config["kv_connector_extra_config"]["connectors"]]
        assert names == ["LMCacheConnectorV1", "NixlConnector"]
    groups = made(disaggregation={"connector": "LMCache"}).groups
    assert [dict(group.default_env) for group in groups] == [{"LMCACHE_LOCAL_CPU": "True"}] * 2
    assert [group.default_env for group in made(disaggregation={}).groups] == [(), ()]


def test_moriio_has_a_producer_and_a_consumer() -> None:
    found = transfer(accelerators=MI300X, disaggregation={"connector": "MoRIIO"})
    assert found == [
        {"kv_connector": "MoRIIOConnector", "kv_role": "kv_producer"},
        {"kv_connector": "MoRIIOConnector", "kv_role": "kv_consumer"},
    ]


@pytest.mark.parametrize("connector", ["Nixl", "LMCache", "MoRIIO"])
def test_ray_has_a_backend_of_its_own_for_each(connector: str) -> None:
    """Else Ray would set neither ports nor engine ids, without a word but a warning in the replica's log."""
    for config in transfer(accelerators=MI300X, disaggregation={"connector": connector}):
        parts = config.get("kv_connector_extra_config", {}).get("connectors", [])
        assert {config["kv_connector"], *(part["kv_connector"] for part in parts)} <= factory.BUILTIN_BACKENDS.keys()


def test_no_connector_without_disaggregation() -> None:
    (server,) = made().serving.servers
    assert "kv_transfer_config" not in dict(server.engine.engine_kwargs)


def test_names_and_builder() -> None:
    found = made(disaggregation={})
    assert found.serving.builder is Builder.PREFILL_DECODE
    assert [server.deployment for server in found.serving.servers] == ["Prefill:a_b", "Decode:a_b"]
    assert [server.engine.model_id for server in found.serving.servers] == ["a.b", "a.b"]
    assert [group.name for group in found.groups] == ["a-b-prefill", "a-b-decode"]


def test_each_half_has_its_own_numbers() -> None:
    found = made(
        accelerators=[{"type": "H200", "count": 8}],
        scaling={"minReplicas": 1, "maxReplicas": 4},
        disaggregation={
            "prefill": {"parallelism": {"tensor": 8}},
            "decode": {
                "parallelism": {"data": 8, "expert": True},
                "scaling": {"minReplicas": 2, "maxReplicas": 3, "targetOngoingRequests": 9},
            },
        },
    )
    prefill, decode = found.serving.servers
    assert (prefill.scale.min_replicas, prefill.scale.max_replicas) == (1, 4)
    assert (decode.scale.min_replicas, decode.scale.max_replicas, decode.scale.target_ongoing_requests) == (16, 24, 9)
    assert dict(prefill.engine.engine_kwargs)["tensor_parallel_size"] == 8
    assert dict(decode.engine.engine_kwargs)["data_parallel_size"] == 8
    assert dict(decode.engine.engine_kwargs)["enable_expert_parallel"] is True
    assert (found.min_replicas, found.max_replicas) == (3, 7)
