"""How long a change takes, from what was measured before."""

from collections.abc import Mapping
from typing import Any, Final

from llm_operator.api.change_class import ChangeClass
from llm_operator.change.model import Change

MEASURED: Final = {
    ChangeClass.IN_PLACE: "inPlaceSeconds",
    ChangeClass.REPLICA_RESTART: "replicaRestartSeconds",
    ChangeClass.NEW_CLUSTER: "newClusterSeconds",
}
"""Class → field of status.measured."""


def starts_some(change: Change) -> bool:
    """Applications start on a Ray cluster that is there: it takes as long as they need, and not as others of its class."""
    return bool(change.added) and change.change_class is not ChangeClass.NEW_CLUSTER


def estimate(change: Change, measured: Mapping[str, Any] | None) -> int | None:
    """Seconds that the last change of this class took for this object; 0 for None; None when that was never measured, or
    says nothing about this one."""
    if change.change_class is ChangeClass.NONE:
        return 0
    seconds = (measured or {}).get(MEASURED[change.change_class])
    return seconds if isinstance(seconds, int) and not starts_some(change) else None
