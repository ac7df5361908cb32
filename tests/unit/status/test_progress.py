"""How a change stands, in words."""

from typing import Any

import pytest
from llm_operator.api.conditions import Reason
from llm_operator.status.progress import MOST_RETRIES, NO_PROGRESS, Progress


def _retry(name: str, attempts: int, due: str = "2026-01-01T00:01:00Z") -> dict[str, Any]:
    return {"name": name, "attempts": attempts, "dueAt": due}


FIRST = '"a" failed and is tried again at 2026-01-01T00:01:00Z (0 of 3 retries done)'
LAST = '"b" failed and had its last retry; given up if it fails until 2026-01-01T00:01:00Z (3 of 3 retries done)'


@pytest.mark.parametrize(
    ("retries", "exhausted", "said"),
    [
        ((), (), ""),
        ((_retry("a", 0),), (), FIRST),
        ((_retry("a", MOST_RETRIES - 1),), (), FIRST.replace("0 of", "2 of")),
        ((_retry("b", MOST_RETRIES),), (), LAST),
        ((_retry("a", 0), _retry("b", MOST_RETRIES)), (), f"{FIRST}; {LAST}"),
        ((_retry("a", 1, ""),), (), ""),
        ((_retry("a", 0), _retry("b", MOST_RETRIES)), ("b",), FIRST),
    ],
)
def test_what_is_tried_again(retries: tuple[dict[str, Any], ...], exhausted: tuple[str, ...], said: str) -> None:
    assert Progress(retries=retries, exhausted=exhausted).retrying == said


FAILED = (Reason.DEPLOY_FAILED, "it failed")
GIVEN_UP = (
    Reason.DEPLOY_FAILED,
    '"a", "b" failed each time it was tried again, and is not tried any more: correct the spec, or set '
    "spec.rollout.restartedAt to the time now",
)


@pytest.mark.parametrize(
    ("progress", "failed", "given_up"),
    [
        (NO_PROGRESS, None, None),
        (Progress(failed=FAILED), FAILED, FAILED),
        (Progress(failed=FAILED, exhausted=("a",)), FAILED, FAILED),
        (Progress(failed=FAILED, rolled_back="back"), (Reason.ROLLED_BACK, "back"), (Reason.ROLLED_BACK, "back")),
        (Progress(exhausted=("a", "b")), None, GIVEN_UP),
    ],
)
def test_what_has_failed(progress: Progress, failed: Any, given_up: Any) -> None:
    assert progress.failed_or_rolled_back == failed
    assert progress.given_up == given_up
