"""Fixtures of the contract tests: a fake API server, and operators as processes of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from contract.operator_process import OperatorProcess
from contract.server import FakeServer

Start = Callable[..., Awaitable[OperatorProcess]]


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    """An empty cluster with our CRD and KubeRay's."""
    async with FakeServer() as running:
        yield running


@pytest.fixture
async def start(server: FakeServer, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts operators: `await start("a", RESYNC_SECONDS="2")`. Prints their logs when the test fails."""
    started: list[OperatorProcess] = []

    async def run(identity: str = "a", **settings: str) -> OperatorProcess:
        operator = OperatorProcess(server, tmp_path, identity, **settings)
        await operator.start()
        started.append(operator)
        return operator

    yield run
    await asyncio.gather(*(operator.kill() for operator in started))
    for operator in started:
        print(f"--- log of {operator.identity}\n{operator.log.read_text()[-20000:]}")
