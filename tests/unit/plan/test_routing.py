"""Strategies → Ray's routers: classes, keywords and their values, by Ray's own signatures."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.spec.deployment import parse_spec
from llm_operator.api.spec.serving import Routing
from llm_operator.api.validation import validate
from llm_operator.plan.routing import ROUTERS, SESSION_HEADER, router, session_env
from llm_serve_app.check.overrides import ROUTERS as KNOWN
from ray.llm._internal.serve.routing_policies.kv_aware.kv_aware_router import KVAwareRouter
from ray.llm._internal.serve.routing_policies.prefix_aware.prefix_aware_router import PrefixCacheAffinityRouter
from ray.serve._private.constants import SERVE_SESSION_ID
from ray.serve._private.request_router import PowerOfTwoChoicesRequestRouter
from ray.serve.config import RequestRouterConfig
from ray.serve.experimental.consistent_hash_router import ConsistentHashRouter
from ray.serve.experimental.round_robin_router import RoundRobinRouter

S = "spec.models[0].routing"
KV_IMAGE = {"image": "registry.example/dynamo:1"}


def routing(**fields: Any) -> Routing:
    return Routing.model_validate(fields, by_alias=True, by_name=False)


# The two below ray.serve.llm need vLLM to import; there they are empty subclasses of these.
CLASSES = {
    "PowerOfTwo": PowerOfTwoChoicesRequestRouter,
    "RoundRobin": RoundRobinRouter,
    "Session": ConsistentHashRouter,
    "PrefixCacheAffinity": PrefixCacheAffinityRouter,
    "KVAware": KVAwareRouter,
}


def test_every_strategy_has_a_class_of_ray() -> None:
    strategies = Routing.model_json_schema()["properties"]["strategy"]["anyOf"][0]["enum"]
    assert set(strategies) == set(ROUTERS) == set(CLASSES)


@pytest.mark.parametrize("strategy", ROUTERS)
def test_class_is_the_one_that_ray_imports(strategy: str) -> None:
    path, cls = ROUTERS[strategy], CLASSES[strategy]
    assert path in KNOWN
    assert path.rpartition(".")[2] == cls.__name__
    if not path.startswith("ray.serve.llm"):
        assert RequestRouterConfig(request_router_class=path).get_request_router_class() is cls


def test_nothing_said_is_rays_own_choice() -> None:
    assert router(routing()) == {}


def test_prefix_options_are_keywords_of_the_router() -> None:
    made = router(
        routing(
            strategy="PrefixCacheAffinity",
            prefixCacheAffinity={
                "imbalanceThreshold": 20, "matchRate": 0.25, "evict": True, "evictionThresholdChars": 900,
                "evictionTargetChars": 800, "evictionIntervalSeconds": 7,
            },
        )
    )["request_router_kwargs"]  # fmt: skip
    assert made == {
        "imbalanced_threshold": 20, "match_rate_threshold": 0.25, "do_eviction": True, "eviction_threshold_chars": 900,
        "eviction_target_chars": 800, "eviction_interval_secs": 7,
    }  # fmt: skip
    parameters = inspect.signature(PrefixCacheAffinityRouter.initialize_state).parameters
    assert set(made) == set(parameters) - {"self", "tree_actor"}


def test_session_options_reach_the_ring() -> None:
    made = router(routing(strategy="Session", session={"virtualNodes": 7, "fallbackReplicas": 0}))
    ring = ConsistentHashRouter.__new__(ConsistentHashRouter)
    ring._deployment_id = None
    ring.initialize_state(**made["request_router_kwargs"])
    assert (ring._num_virtual_nodes, ring._num_fallback_replicas) == (7, 0)


@pytest.mark.parametrize(
    ("options", "env"),
    [
        ({}, ()),
        ({"header": SESSION_HEADER}, ()),
        ({"header": "X-Chat-Id"}, (("RAY_SERVE_SESSION_ID_HEADER_KEY", "X-Chat-Id"),)),
    ],
)
def test_session_header_is_a_variable_of_the_cluster(options: dict[str, Any], env: tuple[tuple[str, str], ...]) -> None:
    made = llm().model(routing={"strategy": "Session", "session": options})
    assert session_env(parse_spec(made.object()["spec"])) == env


def test_default_header_is_rays() -> None:
    assert SERVE_SESSION_ID == SESSION_HEADER


def refused(made: LLM) -> list[str]:
    with pytest.raises(InvalidSpec) as error:
        validate("qwen3-8b", made.object()["spec"])
    return [str(found) for found in error.value.errors]


def prefix(**options: Any) -> LLM:
    return llm().model(routing={"strategy": "PrefixCacheAffinity", "prefixCacheAffinity": options})


def kv_aware(**model: Any) -> LLM:
    return llm().with_("spec.ray", KV_IMAGE).model(routing={"strategy": "KVAware"}, **model)


@pytest.mark.parametrize(
    ("made", "want"),
    [
        (llm().model(routing={"strategy": "Hash"}), [f'{S}.strategy: unknown value "Hash"; one of ']),
        (llm().model(routing={"strategy": "Sesion"}), [f'{S}.strategy: unknown value "Sesion"; did you mean "Session"?']),
        (llm().model(routing={"session": {}}), [f"{S}.session: only with strategy Session: remove it or set the strategy"]),
        (llm().model(routing={"strategy": "Session", "session": {"header": "x id"}}), [f'{S}.session.header: "x id" does not']),
        (llm().model(routing={"strategy": "Session", "session": {"virtualNodes": 0}}), [f"{S}.session.virtualNodes: input"]),
        (llm().model(routing={"strategy": "Session", "session": {"fallbackReplicas": 1}}),
         [f"{S}.session.fallbackReplicas: has an effect only with spec.performance.profile Classic"]),
        (llm().model(routing={"strategy": "Session"}).add_model("b", routing={"strategy": "Session", "session": {"header": "x"}}),
         ['spec.models[1].routing.session.header: "x" differs from "x-session-id" of spec.models[0].routing.session.header']),
        (llm().model(routing={"prefixCacheAffinity": {}}), [f"{S}.prefixCacheAffinity: only with strategy PrefixCacheAffinity"]),
        (prefix(matchRate=2), [f"{S}.prefixCacheAffinity.matchRate: input should be less than or equal to 1"]),
        (prefix(evictionThresholdChars=5), [f"{S}.prefixCacheAffinity.evictionThresholdChars: has no effect unless evict"]),
        (prefix(evictionIntervalSeconds=5, evict=False),
         [f"{S}.prefixCacheAffinity.evictionIntervalSeconds: has no effect unless evict"]),
        (prefix(evict=True, evictionThresholdChars=5),
         [f"{S}.prefixCacheAffinity.evictionTargetChars: 360000, the default, must not be greater than evictionThresholdChars (5)"]),
        (prefix(evict=True, evictionThresholdChars=5, evictionTargetChars=6),
         [f"{S}.prefixCacheAffinity.evictionTargetChars: 6 must not be greater than evictionThresholdChars (5)"]),
        (prefix().model(task="Embed"), [f"{S}.strategy: PrefixCacheAffinity and KVAware compare prompts"]),
        (kv_aware(task="Score"), [f"{S}.strategy: PrefixCacheAffinity and KVAware compare prompts"]),
        (kv_aware(parallelism={"data": 2}), [f"{S}.strategy: KVAware does not go with data parallelism"]),
        (kv_aware(disaggregation={}), [f"{S}.strategy: KVAware does not go with disaggregation"]),
        (kv_aware(engine={"type": "Simulated"}), [f"{S}.strategy: KVAware needs vLLM's KV events"]),
        (kv_aware(engine={"prefixCaching": False}), ["spec.models[0].engine.prefixCaching: strategy KVAware needs"]),
        (llm().model(routing={"strategy": "KVAware"}), [f"{S}.strategy: KVAware needs an image that contains the package ai-dynamo"]),
    ],
)  # fmt: skip
def test_refused(made: LLM, want: list[str]) -> None:
    found = refused(made)
    assert len(found) == len(want), found
    assert all(message.startswith(start) for message, start in zip(found, want, strict=True)), found
