"""Prefill and decode halves → what their engines need to hand KV blocks over (Ray 2.60.0, llm/_internal/serve/engines/vllm/kv_transfer).

Ray gives each replica its own engine id, NIXL side channel host and port (from 20000 for prefill, 22000 for decode) and
MoRI-IO ports; nothing of these is rendered. Tests: tests/unit/plan/test_disaggregation.py.
"""

from typing import Any, Final

from llm_operator.api.parts import Part
from llm_operator.api.spec.model import Model
from llm_operator.plan.pods import Pairs

# Either side may hold blocks that the other one wants: Ray's documentation and tests use kv_both for NIXL on both halves.
_NIXL: Final = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
# The first connector that has the blocks is asked: LMCache's own memory before the network.
_LMCACHE: Final = {
    "kv_connector": "MultiConnector",
    "kv_role": "kv_both",
    "kv_connector_extra_config": {
        "connectors": [{"kv_connector": "LMCacheConnectorV1", "kv_role": "kv_both"}, _NIXL],
    },
}
_MORIIO_ROLES: Final = {"prefill": "kv_producer", "decode": "kv_consumer"}


def engine_kwargs(model: Model, part: Part) -> dict[str, Any]:
    """kv_transfer_config of one half; {} for a model that is not disaggregated."""
    if model.disaggregation is None:
        return {}
    match model.disaggregation.connector:
        case "Nixl":
            config: dict[str, Any] = dict(_NIXL)
        case "LMCache":
            config = dict(_LMCACHE)
        case "MoRIIO":
            config = {"kv_connector": "MoRIIOConnector", "kv_role": _MORIIO_ROLES[part.name]}
    return {"kv_transfer_config": config}


def default_env(model: Model) -> Pairs:
    """Variables of the pods of both halves, unless the user sets them."""
    if model.disaggregation is not None and model.disaggregation.connector == "LMCache":
        # Without it LMCache keeps nothing; how much: LMCACHE_MAX_LOCAL_CPU_SIZE (GiB, its default is 5).
        return (("LMCACHE_LOCAL_CPU", "True"),)
    return ()
