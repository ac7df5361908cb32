"""How changes are rolled out."""

from typing import Final

from llm_operator.api.rules.rule import Rule

INCREMENTAL: Final = Rule(
    "(has(self.strategy) && self.strategy == 'Incremental') == has(self.incremental)",
    "strategy Incremental and its numbers belong together: set both or neither",
    ".incremental",
)
_SURGE: Final = "(has(self.maxSurgePercent) ? self.maxSurgePercent : 100)"
# KubeRay 1.7 refuses it, 1.6.2 makes the step smaller.
STEP_IN_SURGE: Final = Rule(
    f"self.stepSizePercent <= {_SURGE}",
    "must not exceed maxSurgePercent: no more requests move than there are replicas for",
    ".stepSizePercent",
)
_OF_ROLLOUT: Final = _SURGE.replace("self.", "self.incremental.")
_SURGES: Final = f"((99 + {_OF_ROLLOUT}) / {_OF_ROLLOUT})"
_STEP: Final = "self.incremental.stepSizePercent"
_STEPS: Final = f"(({_OF_ROLLOUT} + {_STEP} - 1) / {_STEP})"
INCREMENTAL_IN_TIME: Final = Rule(
    f"!has(self.incremental) || {_SURGES} * {_STEPS} * self.incremental.intervalSeconds < "
    "(has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 3600)",
    "all steps of incremental together (steps times intervalSeconds) must take less than this",
    ".progressDeadlineSeconds",
)
INCREMENTAL_AUTOSCALED: Final = Rule(
    "!(has(self.scheduling) && has(self.scheduling.queueName) && has(self.rollout) && has(self.rollout.strategy) && "
    "self.rollout.strategy == 'Incremental')",
    "strategy Incremental needs Ray's autoscaler, which a queue of Kueue excludes: choose another strategy or no queueName",
    ".rollout.strategy",
)
