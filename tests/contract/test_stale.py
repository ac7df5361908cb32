"""Caches of the API server that are late: what lists and watches say is old, while `get` and writes are up to date."""

import pytest
from contract.cases import Case, Cases
from contract.faults import Strike, Write
from contract.oracle import Allowed
from contract.scenarios import SCENARIOS
from contract.server import KINDS
from contract.streams import Behind, Frozen
from contract.world import World

ALL = frozenset({"llmdeployments", "rayservices", "rayclusters"})
EVERYTHING = frozenset(plural for kinds in KINDS.values() for plural in kinds) - {"leases", "events"}
PARENTS = frozenset({"llmdeployments"})
EVENTS = (1, 2, 4)
_LATE = Allowed(repeated=4, statuses=6, lost_events=True, more_events=True)
_BACK = Allowed(repeated=4, statuses=6, lost_events=True, more_events=True, exits=(-9,))


def late(kinds: frozenset[str], events: int) -> Case:
    """All the time, so many events late."""

    async def arrange(made: World) -> None:
        made.server.horizon = Behind(made.server.objects, kinds, events).horizon

    which = "all" if kinds == ALL else next(iter(kinds))
    return Case(f"{which} late by {events}", arrange=arrange, allowed=_LATE)


def back_in_time(number: int, changes: int, kinds: frozenset[str] = EVERYTHING) -> Case:
    """Right after the n-th write the operator dies; the new one lists from an API server that does not know the last
    changes of these kinds, and learns of them only after it had time to act."""

    async def arrange(made: World) -> None:
        async def act(write: Write) -> None:
            log = [change for change in made.server.objects.log if change.kind in kinds]
            frozen = Frozen(log[-min(changes, len(log))].version - 1, kinds)
            made.server.horizon = frozen.horizon
            user = write.call.user
            await made.kill(user)
            made.later(made.acted(user), then=frozen.thaw)

        made.server.strikes.append(Strike(number, "after", act))

    which = "" if kinds == EVERYTHING else f" of {next(iter(kinds))}"
    return Case(f"back by {changes}{which} after write {number}", arrange=arrange, allowed=_BACK)


async def test_late_caches(cases: Cases, subtests: pytest.Subtests) -> None:
    made = [late(frozenset({kind}), events) for kind in sorted(ALL) for events in EVENTS] + [late(ALL, 2)]
    await cases.check_all([(scenario, case) for scenario in SCENARIOS for case in made], subtests, share=10)


async def test_restart_back_in_time(cases: Cases, subtests: pytest.Subtests) -> None:
    cleans = await cases.cleans(SCENARIOS)
    made = [
        (scenario, back_in_time(write.number, changes))
        for scenario in SCENARIOS
        for write in cleans[scenario.name].writes
        for changes in (1, 3)
    ]
    await cases.check_all(made, subtests, share=10)


async def test_restart_with_an_old_spec(cases: Cases, subtests: pytest.Subtests) -> None:
    """The RayService is known as it is, the LLMDeployment as it was before the edit that made it so: to act on that would
    give the GPUs the old spec back."""
    cleans = await cases.cleans(SCENARIOS)
    made = [
        (scenario, back_in_time(write.number, 1, PARENTS))
        for scenario in SCENARIOS
        for write in cleans[scenario.name].writes
        if write.call.resource == "rayservices"
    ]
    await cases.check_all(made, subtests)
