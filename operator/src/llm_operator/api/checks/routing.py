"""Routing: options that would have no effect, or that cannot work together."""

from collections.abc import Iterator
from typing import Final

from llm_operator.api.errors import FieldError
from llm_operator.api.rules import serving as rules
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.serving import PrefixCacheAffinity, Routing

# Ray 2.60.0, llm/_internal/serve/routing_policies/prefix_aware/prefix_aware_router.py, initialize_state.
_EVICTION_THRESHOLD: Final = 400_000
_EVICTION_TARGET: Final = 360_000
DEFAULT_HEADER: Final = "x-session-id"


def _prefix(path: str, options: PrefixCacheAffinity) -> Iterator[FieldError]:
    set_without = [
        field
        for field, value in (
            ("evictionThresholdChars", options.eviction_threshold_chars),
            ("evictionTargetChars", options.eviction_target_chars),
            ("evictionIntervalSeconds", options.eviction_interval_seconds),
        )
        if value is not None and not options.evict
    ]
    for field in set_without:
        yield FieldError(f"{path}.{field}", "has no effect unless evict is true: set it, or remove this")
    target = options.eviction_target_chars or _EVICTION_TARGET
    threshold = options.eviction_threshold_chars or _EVICTION_THRESHOLD
    if options.evict and target > threshold:
        default = "" if options.eviction_target_chars else ", the default,"
        yield FieldError(
            f"{path}.evictionTargetChars",
            f"{target}{default} must not be greater than evictionThresholdChars ({threshold})",
        )


def _strategy(path: str, routing: Routing) -> Iterator[FieldError]:
    if routing.prefix_cache_affinity is not None and routing.strategy != "PrefixCacheAffinity":
        yield FieldError(f"{path}.prefixCacheAffinity", rules.PREFIX_OPTIONS.message)
    if routing.session is not None and routing.strategy != "Session":
        yield FieldError(f"{path}.session", rules.SESSION_OPTIONS.message)
    if routing.prefix_cache_affinity is not None and routing.strategy == "PrefixCacheAffinity":
        yield from _prefix(f"{path}.prefixCacheAffinity", routing.prefix_cache_affinity)


def _kv_aware(path: str, model: Model) -> Iterator[FieldError]:
    """Ray 2.60.0, llm/_internal/serve/routing_policies/kv_aware: one tracker, fed by the KV events of each replica's vLLM."""
    here = f"{path}.routing.strategy"
    if model.parallelism.data > 1:
        yield FieldError(here, "KVAware does not go with data parallelism: choose another strategy")
    if model.disaggregation is not None:
        yield FieldError(here, "KVAware does not go with disaggregation: choose another strategy")
    if model.engine.type == "Simulated":
        yield FieldError(here, "KVAware needs vLLM's KV events, which the simulated engine does not have")
    if model.engine.prefix_caching is False:
        yield FieldError(f"{path}.engine.prefixCaching", "strategy KVAware needs prefix caching: remove it")


def _model(path: str, model: Model) -> Iterator[FieldError]:
    yield from _strategy(f"{path}.routing", model.routing)
    strategy = model.routing.strategy
    if strategy in ("PrefixCacheAffinity", "KVAware") and model.task != "Generate":
        yield FieldError(f"{path}.routing.strategy", rules.PROMPT_ROUTING.message)
    if strategy == "KVAware":
        yield from _kv_aware(path, model)


def _headers(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """Ray has one session header for the whole cluster (RAY_SERVE_SESSION_ID_HEADER_KEY)."""
    first: tuple[str, str] | None = None
    for i, model in enumerate(spec.models):
        if model.routing.strategy != "Session":
            continue
        session = model.routing.session
        header = (session.header if session is not None else None) or DEFAULT_HEADER
        path = f"spec.models[{i}].routing.session.header"
        if first is None:
            first = (path, header)
        elif header.lower() != first[1].lower():
            yield FieldError(
                path, f'"{header}" differs from "{first[1]}" of {first[0]}: one header for the whole object'
            )


def _profile(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    for i, model in enumerate(spec.models):
        path, session = f"spec.models[{i}]", model.routing.session
        if session is not None and session.fallback_replicas is not None and spec.performance.profile != "Classic":
            # LLMRouter picks with _reserve=False: no replica can refuse (Ray 2.60.0, core/ingress/router.py).
            yield FieldError(
                f"{path}.routing.session.fallbackReplicas",
                "has an effect only with spec.performance.profile Classic: on the fast path no replica is asked before it "
                "gets a request; remove it or set the profile",
            )
        if model.routing.strategy == "KVAware" and spec.ray.image is None:
            yield FieldError(
                f"{path}.routing.strategy",
                "KVAware needs an image that contains the package ai-dynamo (dynamo.llm), which the default has not: set "
                "spec.ray.image",
            )


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """All models' routing."""
    for i, model in enumerate(spec.models):
        yield from _model(f"spec.models[{i}]", model)
    yield from _headers(spec)
    yield from _profile(spec)
