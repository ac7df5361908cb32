"""Watches that end, break or talk nonsense, and an API server that goes away, at any step."""

import asyncio
from typing import Any

import pytest
from contract.cases import Case, Cases
from contract.faults import Cut, Fault, Strike, Write
from contract.oracle import Allowed, Result
from contract.scenarios import SCENARIOS
from contract.world import World

KINDS = ("llmdeployments", "rayservices", "rayclusters", "pods")
BODIES: dict[str, bytes] = {
    **{
        f"ERROR {code}": b'{"type":"ERROR","object":{"kind":"Status","code":%d,"message":"x"}}\n' % code
        for code in (410, 429, 500, 504)
    },
    "half a line": b'{"type": "ADDED", "obje',
    "no JSON": b"welcome to the proxy\n",
    "an unknown type": b'{"type": "SURPRISE", "object": {"metadata": {"name": "x"}}}\n',
    "nothing": b"",
}
_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
_LATE = Allowed(statuses=2, lost_events=True)
OUTAGE_SECONDS = 1.0
STEPPED = ("create and serve", "edit that needs a new cluster", "suspend")


def body(kind: str, name: str) -> Case:
    """The first watches of that kind end with such a line."""
    fault = Fault(200, "watch", kind, times=2, body=BODIES[name])

    async def arrange(made: World) -> None:
        made.server.faults.append(fault)

    def judge(_: World, __: Result) -> list[str]:
        return [] if fault.hits else ["the fault was never met"]

    return Case(f"watch of {kind} ends with {name}", arrange=arrange, judge=judge, allowed=_LATE)


def at_write(number: int, moment: str, what: str, act: Any, allowed: Allowed = _LATE) -> Case:
    """Something happens to the API server at the n-th write."""

    async def arrange(made: World) -> None:
        async def strike(write: Write) -> None:
            await act(made, write)

        made.server.strikes.append(Strike(number, moment, strike))

    return Case(f"{what} {moment} write {number}", arrange=arrange, allowed=allowed)


async def gap(made: World, _: Write) -> None:
    """All watches end, and what happened so far cannot be watched any more."""
    made.server.objects.compact()
    made.server.drop_watches()


async def restart(made: World, _: Write) -> None:
    """The API server is away for a while; the write gets no answer."""

    async def again() -> None:
        await made.server.down()
        await asyncio.sleep(OUTAGE_SECONDS)

    made.later(again(), then=lambda: made.later(made.server.up(), then=lambda: None))
    raise Cut


async def test_watch_ends_with(cases: Cases, subtests: pytest.Subtests) -> None:
    made = [body(kind, name) for name in BODIES for kind in KINDS]
    await cases.check(_BY_NAME["create and serve"], made, subtests, share=2)


async def test_watches_expire_at_every_write(cases: Cases, subtests: pytest.Subtests) -> None:
    cleans = await cases.cleans(SCENARIOS)
    made = [
        (scenario, at_write(write.number, "after", "watches expire", gap))
        for scenario in SCENARIOS
        for write in cleans[scenario.name].writes
    ]
    await cases.check_all(made, subtests, share=4)


async def test_api_server_restarts_at_every_write(cases: Cases, subtests: pytest.Subtests) -> None:
    cleans = await cases.cleans(_BY_NAME[name] for name in STEPPED)
    made = [
        (_BY_NAME[name], at_write(write.number, moment, "API server restarts", restart))
        for name in STEPPED
        for write in cleans[name].journal
        for moment in ("before", "after")
    ]
    await cases.check_all(made, subtests, share=3)
