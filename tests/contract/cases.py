"""Generated cases: a scenario and one thing that goes wrong, several at a time, each judged against the run without it."""

import asyncio
import contextlib
import os
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from contract.operator_process import until
from contract.oracle import Allowed, Result, result, state, verdict
from contract.scenarios import Scenario
from contract.server import FakeServer
from contract.world import World, world
from contract.zygote import Zygote

PARALLEL = int(os.environ.get("CONTRACT_PARALLEL", "6"))
"""Cases at a time. Most of a case is waiting."""
ALL = bool(os.environ.get("CONTRACT_ALL"))
"""Run all cases, also where a family says that a share of them is enough."""
ONLY = os.environ.get("CONTRACT_ONLY", "")
"""Run only the cases whose name has this text."""


async def _nothing(_: World) -> None:
    """Does nothing."""


async def _one_operator(made: World) -> None:
    await made.start()


@dataclass(frozen=True)
class Case:
    """`arrange` sets the trap before the operator starts; `start` starts it (or them); `finish` comes after the last step
    of the scenario."""

    name: str
    arrange: Callable[[World], Awaitable[Any]] = _nothing
    start: Callable[[World], Awaitable[Any]] | None = None
    finish: Callable[[World], Awaitable[Any]] = _nothing
    allowed: Allowed = field(default_factory=Allowed)
    settings: tuple[tuple[str, str], ...] = ()
    judge: Callable[[World, Result], list[str]] = lambda *_: []
    """What else is wrong with the run."""


class Cases:
    """Runs cases; keeps the runs without a fault, by scenario, for the session."""

    def __init__(self, zygote: Zygote, folder: Path) -> None:
        self._zygote, self._folder = zygote, folder
        self._clean: dict[str, Result] = {}
        self._number = 0
        self.count = 0

    def world(self) -> contextlib.AbstractAsyncContextManager[World]:
        """An empty cluster."""
        self._number += 1
        (self._folder / str(self._number)).mkdir()
        return world(self._zygote, FakeServer(), self._folder / str(self._number))

    async def clean(self, scenario: Scenario) -> Result:
        """The scenario without a fault."""
        if scenario.name not in self._clean:
            self._clean[scenario.name], _ = await self.run(scenario, Case("clean"), None)
        return self._clean[scenario.name]

    async def cleans(self, scenarios: Iterable[Scenario]) -> dict[str, Result]:
        """Several scenarios without a fault, by name."""
        slots = asyncio.Semaphore(PARALLEL)

        async def one(scenario: Scenario) -> tuple[str, Result]:
            async with slots:
                return scenario.name, await self.clean(scenario)

        return dict(await asyncio.gather(*map(one, scenarios)))

    async def run(self, scenario: Scenario, case: Case, clean: Result | None) -> tuple[Result, list[str]]:
        """What came out, and what is wrong with it."""
        async with self.world() as made:
            try:
                scenario.prepare(made.server)
                await case.arrange(made)
                settings = scenario.settings | dict(case.settings)
                await (case.start(made) if case.start is not None else made.start(**settings))
                await scenario.drive(made.server)
                await case.finish(made)
                if clean is not None:
                    await _converged(made.server, clean)
                await made.settled()
                got = result(made.server, made.exits)
                wrong = [*verdict(clean, got, case.allowed), *case.judge(made, got)] if clean is not None else []
            except (AssertionError, TimeoutError) as error:
                got, wrong = result(made.server, made.exits), [str(error)]
                if clean is None:
                    raise
            if wrong:
                wrong += ["journal:", *map(str, got.journal), made.logs()]
            return got, wrong

    async def check(
        self, scenario: Scenario, cases: Sequence[Case], subtests: pytest.Subtests, *, share: int = 1
    ) -> None:
        """Each case is a subtest of its own."""
        await self.check_all([(scenario, case) for case in cases], subtests, share=share)

    async def check_all(
        self, cases: Sequence[tuple[Scenario, Case]], subtests: pytest.Subtests, *, share: int = 1
    ) -> None:
        """Each case is a subtest of its own. `share`: one of so many is run, always the same ones, unless ALL."""
        named = [(f"{scenario}: {case.name}", scenario, case) for scenario, case in cases]
        wanted = [each for each in named if ALL or ONLY or zlib.crc32(each[0].encode()) % share == 0]
        chosen = [(scenario, case) for name, scenario, case in wanted if ONLY in name]
        cleans = await self.cleans({scenario.name: scenario for scenario, _ in chosen}.values())
        slots = asyncio.Semaphore(PARALLEL)

        async def one(scenario: Scenario, case: Case) -> list[str]:
            async with slots:
                return (await self.run(scenario, case, cleans[scenario.name]))[1]

        outcomes = await asyncio.gather(*(one(scenario, case) for scenario, case in chosen))
        for (scenario, case), wrong in zip(chosen, outcomes, strict=True):
            self.count += 1
            with subtests.test(msg=f"{scenario}: {case.name}"):
                assert not wrong, "\n".join(wrong)


async def _converged(server: FakeServer, clean: Result) -> None:
    """Waits for the end state; that it never comes is told by the comparison."""
    try:
        await until(lambda: state(server) == clean.state, what="end state", every=0.05)
    except AssertionError:
        return
