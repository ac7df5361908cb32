"""Engines that warm themselves up, in the serving image: real vLLM on CPU, and the simulated engine for every task."""

import json
from functools import cache
from typing import Any

from image.container import probe


@cache
def found() -> Any:
    """What the probe saw; it runs once."""
    return probe("warm_up_probe")


def test_a_warm_engine_has_answered_before_its_first_client_comes() -> None:
    """By vLLM's own count of the requests that it ended. How much time a warm-up saves is a figure, not a claim."""
    cold, warm = found()["cold"], found()["warm"]
    print(f"seconds: {json.dumps({'cold': cold, 'warm': warm})}")
    assert (cold["ended_before"], cold["ended_after"]) == (0, 2)
    assert (warm["ended_before"], warm["ended_after"]) == (1, 3)


def test_every_kind_of_first_request_is_answered() -> None:
    kinds = found()["kinds"]
    assert set(kinds["answers"]) == {"completions", "embeddings", "score", "transcriptions"}
    assert "ErrorResponse" not in kinds["answers"].values()
    assert kinds["warmed"] == {"generate": "completions", "pooling": "embeddings"}


def test_an_engine_that_cannot_answer_does_not_count_as_started() -> None:
    assert "cannot answer its first request" in found()["kinds"]["broken"]
