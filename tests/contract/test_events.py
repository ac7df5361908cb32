"""Watch events that are lost, doubled, swapped or merged; a re-sync repairs what no event tells."""

import pytest
from contract.cases import Case, Cases
from contract.oracle import Allowed
from contract.scenarios import SCENARIOS
from contract.streams import Disturb, Doubled, Dropped, Merged, Plain, Stream, Swapped
from contract.world import World

KINDS = ("llmdeployments", "rayservices", "rayclusters")
# What is told late or twice may be acted on late or twice: statuses in between, an apply that changes nothing.
LATE = Allowed(repeated=4, statuses=4, lost_events=True, more_events=True)


def only(kind: str, stream: Stream | type[Stream]) -> Disturb:
    """Disturbs the watches of one kind: by one stream for all of them, or by one of its own for each."""

    def disturb(plural: str) -> Stream:
        if plural != kind:
            return Plain()
        return stream() if isinstance(stream, type) else stream

    return disturb


def case(name: str, disturb: Disturb) -> Case:
    """All watches go through `disturb`."""

    async def arrange(made: World) -> None:
        made.server.disturb = disturb

    return Case(name, arrange=arrange, allowed=LATE)


async def test_events(cases: Cases, subtests: pytest.Subtests) -> None:
    cleans = await cases.cleans(SCENARIOS)
    made = [
        (scenario, case(f"{kind} {kind_of.__name__.lower()}", only(kind, kind_of)))
        for scenario in SCENARIOS
        for kind in KINDS
        for kind_of in (Doubled, Swapped, Merged)
    ]
    made += [
        (scenario, case(f"{kind} without event {number}", only(kind, Dropped(number))))
        for scenario in SCENARIOS
        for kind in KINDS
        for number in range(1, cleans[scenario.name].changes[kind] + 1)
    ]
    await cases.check_all(made, subtests, share=12)
