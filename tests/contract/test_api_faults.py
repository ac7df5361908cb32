"""Every error of the API server on every verb and kind that the operator asks for, as a run without a fault tells them."""

from collections.abc import Iterator
from typing import Any

import pytest
from contract.cases import Case, Cases
from contract.faults import WRITES, Fault
from contract.oracle import Allowed, Result
from contract.scenarios import SCENARIOS, Scenario
from contract.world import World

TIMES = 2
TIMEOUT = {"REQUEST_TIMEOUT_SECONDS": "1"}
FAULTS: dict[str, dict[str, Any]] = {
    "401": {"status": 401},
    "403": {"status": 403},
    "409": {"status": 409},
    "410": {"status": 410},
    "422": {"status": 422},
    "429 with Retry-After": {"status": 429, "retry_after": 1},
    "429": {"status": 429},
    "500": {"status": 500},
    "503 with Retry-After": {"status": 503, "retry_after": 1},
    "503": {"status": 503},
    "504": {"status": 504},
    "504 although it was done": {"status": 504, "stored": True},
    "no answer in time": {"status": 0, "hang": 1.5},
    "no answer in time although it was done": {"status": 0, "hang": 1.5, "stored": True},
    "connection reset": {"status": 0},
    "connection reset in the middle of the body": {"status": 0, "cut": True},
    "connection reset in the middle although it was done": {"status": 0, "cut": True, "stored": True},
    "half JSON": {"status": 200, "body": b'{"kind": "Whatever", "metad'},
    "not JSON": {"status": 200, "body": b"<html>welcome to the proxy</html>"},
}
_REFUSALS = frozenset({"403", "422"})


def fits(name: str, verb: str) -> bool:
    """422, and that something was done, are about writes."""
    return verb in WRITES or not ("although" in name or name == "422")


def case(name: str, verb: str, resource: str) -> Case:
    """The first requests of that kind get the fault."""
    fault = Fault(**FAULTS[name], verb=verb, resource=resource, times=TIMES)
    refused = verb == "apply" and name in _REFUSALS

    async def arrange(made: World) -> None:
        made.server.faults.append(fault)

    def judge(made: World, _: Result) -> list[str]:
        return [*unmet(fault), *impatient(made, fault)]

    # A refusal is told in the status, and that it is over too. An event is a note: it is not tried again.
    allowed = Allowed(statuses=2 if refused else 0, lost_events=True, more_events=refused)
    settings = tuple(TIMEOUT.items()) if fault.hang else ()
    return Case(f"{verb} {resource} gets {name}", arrange=arrange, allowed=allowed, judge=judge, settings=settings)


def unmet(fault: Fault) -> Iterator[str]:
    """A case whose fault never hit proves nothing. (Some things are asked for only once.)"""
    if not fault.hits:
        yield "the fault was never met"


def impatient(made: World, fault: Fault) -> Iterator[str]:
    """Retry-After is obeyed: the same client asks for the same thing no sooner. Lists are asked for by several parts of the
    operator (kopf, the start, the re-sync), each with a patience of its own."""
    for at in fault.at if fault.retry_after and fault.verb not in ("list", "watch", "discover") else ():
        agents = {agent for when, call, agent in made.server.seen_at if when <= at < when + 0.05 and _same(call, fault)}
        for when, call, agent in made.server.seen_at:
            soon = 0.05 < when - at < (fault.retry_after or 0) - 0.05
            if soon and _same(call, fault) and agent in agents:
                yield f"{call.verb} {call.resource} again after {when - at:.2f} s, Retry-After was {fault.retry_after} s"


def _same(call: Any, fault: Fault) -> bool:
    return (call.verb, call.resource) == (fault.verb, fault.resource)


async def calls(cases: Cases) -> dict[tuple[str, str], Scenario]:
    """Every verb and resource, with the shortest scenario in which it is asked for."""
    found: dict[tuple[str, str], tuple[int, Scenario]] = {}
    cleans = await cases.cleans(SCENARIOS)
    for scenario in SCENARIOS:
        clean = cleans[scenario.name]
        for call in clean.calls:
            if call not in found or len(clean.journal) < found[call][0]:
                found[call] = len(clean.journal), scenario
    return {call: scenario for call, (_, scenario) in sorted(found.items())}


async def test_fault_on_every_call(cases: Cases, subtests: pytest.Subtests) -> None:
    found = await calls(cases)
    assert len(found) > 15
    made = [
        (scenario, case(name, verb, resource))
        for (verb, resource), scenario in found.items()
        for name in FAULTS
        if fits(name, verb)
    ]
    await cases.check_all(made, subtests, share=6)
