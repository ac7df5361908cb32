"""kill -9 right before and right after every write of every scenario; a new process goes on."""

import pytest
from contract.cases import Case, Cases
from contract.counted import LOOKS
from contract.faults import Cut, Strike, Write
from contract.oracle import Allowed
from contract.scenarios import SCENARIOS, Scenario
from contract.world import World


def crash(number: int, moment: str, what: str) -> Case:
    """The process dies at its n-th write: before the API server stores it, or after that, but before the answer."""

    async def arrange(made: World) -> None:
        async def kill(write: Write) -> None:
            await made.kill(write.call.user)
            raise Cut

        made.server.strikes.append(Strike(number, moment, kill))

    return Case(
        f"killed {moment} write {number}: {what}", arrange=arrange, allowed=Allowed(lost_events=True, exits=(-9,))
    )


async def _crashes(scenarios: list[Scenario], cases: Cases, subtests: pytest.Subtests) -> None:
    cleans = await cases.cleans(scenarios)
    made = [
        (scenario, crash(write.number, moment, f"{write.call.verb} {write.call.resource}"))
        for scenario in scenarios
        for write in cleans[scenario.name].journal
        for moment in ("before", "after")
    ]
    await cases.check_all(made, subtests, share=5)


async def test_crash_at_every_write(cases: Cases, subtests: pytest.Subtests) -> None:
    await _crashes(SCENARIOS, cases, subtests)


async def test_crash_at_every_write_while_room_is_counted(cases: Cases, subtests: pytest.Subtests) -> None:
    cleans = await cases.cleans(LOOKS)
    assert all({("list", "nodes"), ("list", "pods")} <= clean.calls for clean in cleans.values())
    await _crashes(LOOKS, cases, subtests)
