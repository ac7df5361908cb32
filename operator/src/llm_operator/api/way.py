"""How a change is carried out."""

from enum import StrEnum


class Way(StrEnum):
    """`status.lastChange.strategy` holds one of them."""

    NOTHING = "Nothing"
    """There is nothing to do."""
    CREATE = "Create"
    """There is no RayService yet."""
    IN_PLACE = "InPlace"
    """On the Ray cluster that is there."""
    NEW_CLUSTER = "BlueGreen"
    """A new Ray cluster takes over when it serves; the old one serves until then."""
    INCREMENTAL = "Incremental"
    """A new Ray cluster takes over, step by step, behind a Gateway."""
    RECREATE = "Recreate"
    """The RayService is deleted, then made anew: planned downtime."""
    HOLD = "Hold"
    """Nothing is applied: the strategy does not allow what the change needs, or there is no room for it."""
