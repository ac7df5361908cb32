"""Fixtures of the contract tests: a fake API server, and operators as processes of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from contract.cases import Cases
from contract.operator_process import OperatorProcess
from contract.server import FakeServer
from contract.zygote import Zygote

Start = Callable[..., Awaitable[OperatorProcess]]


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Forks operators."""
    made = Zygote()
    yield made
    made.close()


@pytest.fixture(scope="session")
def cases(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """Runs generated cases."""
    return Cases(zygote, tmp_path_factory.mktemp("cases"))


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    """An empty cluster with our CRD and KubeRay's."""
    async with FakeServer() as running:
        yield running


@pytest.fixture
async def start(zygote: Zygote, server: FakeServer, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts operators: `await start("a", RESYNC_SECONDS="2")`. Prints their logs when the test fails."""
    started: list[OperatorProcess] = []

    async def run(identity: str = "a", **settings: str) -> OperatorProcess:
        operator = OperatorProcess(zygote, server, tmp_path, identity, **settings)
        await operator.start()
        started.append(operator)
        return operator

    yield run
    await asyncio.gather(*(operator.kill() for operator in started))
    for operator in started:
        print(f"--- log of {operator.identity}\n{operator.log.read_text()[-20000:]}")
