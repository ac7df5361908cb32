"""Which replica gets a request → Ray's RequestRouterConfig, and the header of sessions (Ray 2.60.0).

It stands in the engine's own `deployment_config`, inside `args`: the handle of the OpenAI ingress reads it, and on the fast
path the LLMRouter's (llm/_internal/serve/core/ingress/router.py); KVAwareRouter is recognised nowhere else
(routing_policies/kv_aware/utils.py). Tests: tests/unit/plan/test_routing.py.
"""

from typing import Any, Final

from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.serving import Routing
from llm_operator.plan.pods import Pairs

SESSION_HEADER: Final = "x-session-id"
"""Ray's default of RAY_SERVE_SESSION_ID_HEADER_KEY (serve/_private/constants.py)."""

ROUTERS: Final = {
    "PowerOfTwo": "ray.serve._private.request_router.PowerOfTwoChoicesRequestRouter",
    "RoundRobin": "ray.serve.experimental.round_robin_router.RoundRobinRouter",
    "Session": "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter",
    "PrefixCacheAffinity": "ray.serve.llm.request_router.PrefixCacheAffinityRouter",
    "KVAware": "ray.serve.llm.request_router.KVAwareRouter",
}
# Our field → keyword of the router's initialize_state().
_PREFIX_OPTIONS: Final = {
    "imbalance_threshold": "imbalanced_threshold",
    "match_rate": "match_rate_threshold",
    "evict": "do_eviction",
    "eviction_threshold_chars": "eviction_threshold_chars",
    "eviction_target_chars": "eviction_target_chars",
    "eviction_interval_seconds": "eviction_interval_secs",
}
_SESSION_OPTIONS: Final = {"virtual_nodes": "num_virtual_nodes", "fallback_replicas": "num_fallback_replicas"}


def _options(options: object, names: dict[str, str]) -> dict[str, Any]:
    """Those that are set; all of None."""
    found = {keyword: getattr(options, field, None) for field, keyword in names.items()}
    return {keyword: value for keyword, value in found.items() if value is not None}


def router(routing: Routing) -> dict[str, Any]:
    """Keyword arguments of Ray's RequestRouterConfig; {} for Ray's own choice."""
    if routing.strategy is None:
        return {}
    options = _options(routing.prefix_cache_affinity, _PREFIX_OPTIONS) | _options(routing.session, _SESSION_OPTIONS)
    config: dict[str, Any] = {"request_router_class": ROUTERS[routing.strategy]}
    return config | ({"request_router_kwargs": options} if options else {})


def session_env(spec: LLMDeploymentSpec) -> Pairs:
    """The variable of head and workers that names the session header; () for Ray's default. One for the whole cluster."""
    for model in spec.models:
        session = model.routing.session
        if session is not None and session.header not in (None, SESSION_HEADER):
            return (("RAY_SERVE_SESSION_ID_HEADER_KEY", str(session.header)),)
    return ()
