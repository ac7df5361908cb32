"""What one field of a model asks of its pods and replicas, beside what every model has. Plans are made by adding these up."""

from dataclasses import dataclass
from typing import Any

from llm_operator.api.spec.source import SecretKeyRef
from llm_operator.plan.pods import Mount, Pairs


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything is optional but the field."""

    field: str
    """Path below the model, as users write it: for messages."""
    kwargs: tuple[tuple[str, Any], ...] = ()
    """Arguments of vLLM's engine."""
    env: Pairs = ()
    """Variables of the pods. A change is a new Ray cluster."""
    secret_env: tuple[tuple[str, SecretKeyRef], ...] = ()
    mounts: tuple[Mount, ...] = ()
    replica_env: Pairs = ()
    """Variables of the replica's processes, over those of the pods. A change restarts the replicas only."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of all variables that it sets."""
        return tuple(name for name, _ in (*self.env, *self.secret_env, *self.replica_env))
