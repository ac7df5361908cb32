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
DISAGGREGATION_TASK: Final = Rule(
    "!has(self.disaggregation) || !has(self.task) || self.task == 'Generate'",
    "only task Generate has a decode phase: remove it",
    ".disaggregation",
)
