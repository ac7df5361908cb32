"""Numbers of replicas, and when they hold."""

from collections.abc import Iterator

from llm_operator.api.errors import FieldError
from llm_operator.api.rules import scaling as rules
from llm_operator.api.spec.scaling import Scaling


def check(path: str, scaling: Scaling) -> Iterator[FieldError]:
    """`path`: of the scaling itself."""
    if scaling.max_replicas is not None and scaling.min_replicas > scaling.max_replicas:
        yield FieldError(
            f"{path}.minReplicas",
            f"{scaling.min_replicas} {rules.MIN_LE_MAX.message} ({scaling.max_replicas})",
        )
    most = scaling.max_ongoing_requests
    if most is not None and scaling.target_ongoing_requests > most:
        yield FieldError(
            f"{path}.targetOngoingRequests",
            f"{scaling.target_ongoing_requests} {rules.TARGET_LE_MAX_ONGOING.message} ({most})",
        )
