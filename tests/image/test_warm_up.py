"""Engines that warm themselves up, in the serving image: real vLLM on CPU, and the simulated engine for every task."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from image.container import python

PROBE = Path(__file__).with_name("warm_up_probe.py")


@cache
def found() -> Any:
    """What the probe measured; it runs once."""
    lines = [line for line in python("-", stdin=PROBE.read_text()).splitlines() if line.startswith("RESULT ")]
    assert lines, "the probe printed no result"
    return json.loads(lines[-1].removeprefix("RESULT "))


def test_the_first_request_to_a_warm_engine_is_like_the_second() -> None:
    cold, warm = found()["cold"], found()["warm"]
    print(f"seconds: {json.dumps({'cold': cold, 'warm': warm})}")
    assert cold["first"] > 2 * cold["second"], (
        "an engine is no longer cold at its first request: warm-up has lost its use"
    )
    assert warm["first"] / warm["second"] < cold["first"] / cold["second"]


def test_every_kind_of_first_request_is_answered() -> None:
    kinds = found()["kinds"]
    assert set(kinds["answers"]) == {"completions", "embeddings", "score", "transcriptions"}
    assert "ErrorResponse" not in kinds["answers"].values()
    assert kinds["warmed"] == {"generate": "completions", "pooling": "embeddings"}


def test_an_engine_that_cannot_answer_does_not_count_as_started() -> None:
    assert "cannot answer its first request" in found()["kinds"]["broken"]
