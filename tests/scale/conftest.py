"""Fixtures of the scale tests: a fleet and operators, which end with the test."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest
from scale.fleet import Fleet
from scale.processes import Operator

SCALE: Final = int(os.environ.get("SCALE") or 1_000)
"""LLMDeployments in the large test."""
Make = Callable[..., Operator]


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    """A fake cluster without objects, whose writes take 5 ms."""
    async with Fleet() as running:
        await running.do("latency", seconds=0.005)
        yield running


@pytest.fixture
async def make(fleet: Fleet, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes operators: `make("a", RESYNC_SECONDS="2")`. Prints the ends of their logs when the test fails."""
    made: list[Operator] = []

    def one(identity: str = "a", **settings: str) -> Operator:
        made.append(Operator(fleet, tmp_path, identity, **settings))
        return made[-1]

    yield one
    await asyncio.gather(*(operator.kill() for operator in made))
    for operator in made:
        print(f"--- end of the log of {operator.identity}\n{operator.log.read_text()[-4000:]}")
