"""Custom applications."""

from typing import Final

from llm_operator.api.rules.rule import Rule

REPLICAS_OR_SCALING: Final = Rule(
    "!(has(self.replicas) && has(self.scaling))", "set at most one of replicas and scaling", ".replicas"
)
ONGOING_ONCE: Final = Rule(
    "!(has(self.maxOngoingRequests) && has(self.scaling) && has(self.scaling.maxOngoingRequests))",
    "is set twice: here and by scaling.maxOngoingRequests",
    ".maxOngoingRequests",
)
QUEUED_ONCE: Final = Rule(
    "!(has(self.maxQueuedRequests) && has(self.scaling) && has(self.scaling.maxQueuedRequests))",
    "is set twice: here and by scaling.maxQueuedRequests",
    ".maxQueuedRequests",
)
NO_MODEL_FIELDS: Final = Rule(
    "!has(self.accelerators) || self.accelerators.all(a, !has(a.share) && !has(a.maxReplicas) && !has(a.topology))",
    "share, maxReplicas and topology are for models: an actor says its share (deployments[].actor.gpu)",
    ".accelerators",
)
