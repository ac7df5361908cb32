"""How a change stands, for conditions and status; decided in `rollout`."""

from dataclasses import dataclass
from typing import Any, Final

from llm_operator.api.conditions import Reason

MOST_RETRIES: Final = 3
"""Of an application that Ray Serve gave up."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Empty: nothing is held, nothing has failed."""

    held: str = ""
    """Why the change is not applied: spec.rollout.strategy does not allow what it needs, or not yet."""
    waits: str = ""
    """What ends `held` by itself; empty: somebody has to act."""
    failed: tuple[Reason, str] | None = None
    """Why the change under way has failed. What is applied stays, since nobody wants, or has, anything to go back to."""
    rolled_back: str = ""
    """Another spec than the user's is in force: why, and until when."""
    exhausted: tuple[str, ...] = ()
    """Applications that Ray Serve gave up, and that are not tried again."""
    retries: tuple[dict[str, Any], ...] = ()
    """`status.retries`."""
    rollback: dict[str, Any] | None = None
    """`status.rollback`; None when there never was one."""

    @property
    def retrying(self) -> str:
        """What is tried again, and when; empty when nothing waits for that."""
        return "; ".join(
            f'"{each["name"]}" failed and '
            + (
                "is tried again at"
                if each["attempts"] < MOST_RETRIES
                else "had its last retry; given up if it fails until"
            )
            + f" {each['dueAt']} ({each['attempts']} of {MOST_RETRIES} retries done)"
            for each in self.retries
            if each["dueAt"] and each["name"] not in self.exhausted
        )

    @property
    def failed_or_rolled_back(self) -> tuple[Reason, str] | None:
        """The change under way, or the one before it was rolled back, has failed."""
        return (Reason.ROLLED_BACK, self.rolled_back) if self.rolled_back else self.failed

    @property
    def given_up(self) -> tuple[Reason, str] | None:
        """Nothing more is done until somebody acts."""
        if self.failed_or_rolled_back is not None or not self.exhausted:
            return self.failed_or_rolled_back
        names = ", ".join(f'"{name}"' for name in self.exhausted)
        return (
            Reason.DEPLOY_FAILED,
            f"{names} failed each time it was tried again, and is not tried any more: correct the spec, or set "
            "spec.rollout.restartedAt to the time now",
        )


NO_PROGRESS: Final = Progress()
