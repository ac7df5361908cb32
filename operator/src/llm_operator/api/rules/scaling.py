"""Numbers of replicas."""

from typing import Final

from llm_operator.api.rules.rule import Rule

_MIN: Final = "(has(self.minReplicas) ? self.minReplicas : 1)"

MIN_LE_MAX: Final = Rule(
    f"!has(self.maxReplicas) || {_MIN} <= self.maxReplicas", "must not be greater than maxReplicas", ".minReplicas"
)
TARGET_LE_MAX_ONGOING: Final = Rule(
    "!has(self.maxOngoingRequests) || "
    "(has(self.targetOngoingRequests) ? self.targetOngoingRequests : 64) <= self.maxOngoingRequests",
    "must not be greater than maxOngoingRequests: autoscaling would never happen",
    ".targetOngoingRequests",
)
INITIAL_WITHIN: Final = Rule(
    f"!has(self.initialReplicas) || (self.initialReplicas >= {_MIN} && self.initialReplicas <= "
    f"(has(self.maxReplicas) ? self.maxReplicas : ({_MIN} > 1 ? {_MIN} : 1)))",
    "must be between minReplicas and maxReplicas",
    ".initialReplicas",
)
LOOK_BACK_GT_INTERVAL: Final = Rule(
    "(has(self.lookBackSeconds) ? self.lookBackSeconds : 30) > (has(self.metricsIntervalSeconds) ? self.metricsIntervalSeconds : 10)",
    "must be greater than metricsIntervalSeconds: an average needs more than one report",
    ".lookBackSeconds",
)
"""Ray Serve's own rule: a warning in 2.60, an error in a later release (serve/config.py, look_back_period_s_valid)."""
ZERO_NEEDS_MIN_ZERO: Final = Rule(
    f"!has(self.scaleToZero) || {_MIN} == 0 || "
    "(has(self.schedules) && self.schedules.exists(s, has(s.minReplicas) && s.minReplicas == 0))",
    "has no effect unless minReplicas is 0, here or in a schedule",
    ".scaleToZero",
)
SCHEDULE_SETS: Final = Rule(
    "has(self.minReplicas) || has(self.maxReplicas)", "set at least one of minReplicas and maxReplicas"
)
SCHEDULE_BOUNDS: Final = Rule(
    "!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
    "must not be greater than maxReplicas",
    ".minReplicas",
)
INGRESS_BOUNDS: Final = MIN_LE_MAX
