"""Answers of the API server as exceptions."""

from typing import Any

import pytest
from llm_operator.kube import errors
from llm_operator.kube.errors import ApiError, NotLeader, from_answer

TERMINATING = {"causes": [{"reason": "Other"}, "text", {"reason": "NamespaceTerminating"}]}


@pytest.mark.parametrize(
    ("status", "details", "kind"),
    [
        (400, None, errors.Invalid),
        (403, None, errors.Forbidden),
        (403, {"causes": [{"reason": "Other"}]}, errors.Forbidden),
        (403, {"causes": None}, errors.Forbidden),
        (403, "text", errors.Forbidden),
        (403, TERMINATING, errors.NamespaceTerminating),
        (404, None, errors.NotFound),
        (409, None, errors.Conflict),
        (418, None, ApiError),
        (422, None, errors.Invalid),
        (422, {"causes": [{"reason": "FieldValueInvalid", "field": "spec.x"}]}, errors.Invalid),
        (422, {"causes": [{"reason": "FieldValueInvalid", "field": "metadata.uid"}]}, errors.Conflict),
        (429, None, errors.Throttled),
        (499, None, ApiError),
        (500, None, errors.Unavailable),
        (504, None, errors.Unavailable),
    ],
)
def test_kinds(status: int, details: Any, kind: type[ApiError]) -> None:
    error = from_answer(status, {"reason": "R", "message": "why", "details": details}, retry_after=3)
    assert type(error) is kind
    assert (error.status, error.reason, error.message, error.retry_after) == (status, "R", "why", 3)
    assert str(error) == f"{status} R: why"


@pytest.mark.parametrize("answer", [None, [], "text", {}, {"reason": None, "message": ""}])
def test_an_answer_that_says_nothing(answer: Any) -> None:
    error = from_answer(404, answer)
    assert (error.reason, error.message) == ("Unknown", "the API server answered 404 without a message")
    assert error.retry_after is None


def test_not_leader() -> None:
    assert str(NotLeader()) == "0 NotLeader: this replica does not hold the Lease; the write was not sent"
    assert NotLeader().status == 0
