"""Routing and disaggregation."""

from typing import Final

from llm_operator.api.rules.rule import Rule

PREFIX_OPTIONS: Final = Rule(
    "!has(self.prefixCacheAffinity) || (has(self.strategy) && self.strategy == 'PrefixCacheAffinity')",
    "only with strategy PrefixCacheAffinity: remove it or set the strategy",
    ".prefixCacheAffinity",
)
SESSION_OPTIONS: Final = Rule(
    "!has(self.session) || (has(self.strategy) && self.strategy == 'Session')",
    "only with strategy Session: remove it or set the strategy",
    ".session",
)
_EVICTION: Final = ("evictionThresholdChars", "evictionTargetChars", "evictionIntervalSeconds")
EVICTION_OPTIONS: Final = Rule(
    "(has(self.evict) && self.evict) || !(" + " || ".join(f"has(self.{field})" for field in _EVICTION) + ")",
    "evictionThresholdChars, evictionTargetChars and evictionIntervalSeconds have no effect unless evict is true",
)
# The router finds no prompt in any other request, and fails (Ray 2.60.0, prefix_aware_router.py).
PROMPT_ROUTING: Final = Rule(
    "!has(self.routing) || !has(self.routing.strategy) || !(self.routing.strategy in ['PrefixCacheAffinity', 'KVAware']) "
    "|| !has(self.task) || self.task == 'Generate'",
    "PrefixCacheAffinity and KVAware compare prompts, which only task Generate has: choose another strategy",
    ".routing.strategy",
)
DISAGGREGATION_TASK: Final = Rule(
    "!has(self.disaggregation) || !has(self.task) || self.task == 'Generate'",
    "only task Generate has a decode phase: remove it",
    ".disaggregation",
)
