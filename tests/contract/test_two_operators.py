"""Two operators at once, and leaders that die, lose the Lease, sleep or have another idea of the time, at every step."""

import signal
import time
from collections.abc import Callable

import pytest
from contract.cases import Case, Cases
from contract.faults import Call, Cut, Strike, Write
from contract.operator_process import until
from contract.oracle import Allowed, Result
from contract.scenarios import SCENARIOS, Scenario
from contract.world import World

LOOKS = 5
DEADLINE_SECONDS = 6
"""After so long without a renewal a leader must not write any more."""
STEPPED = ("create and serve", "edit that needs a new cluster", "suspend")
_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
_CHANGE = Allowed(lost_events=True, any_exits=True)


async def two(made: World, **leader: str) -> None:
    """`a` leads, `b` is ready to follow. `leader`: settings of `a`."""
    await made.start("a", **leader)
    await until(lambda: made.holder() == "a", what="a leads")
    await made.start("b")
    await made.watching("b")


async def test_two_leaders_at_once(cases: Cases, subtests: pytest.Subtests) -> None:
    """No election at all: the worst that a short double leadership can be. Everything is done once or twice, never undone."""
    cleans = await cases.cleans(SCENARIOS)

    def case(scenario: Scenario) -> tuple[Scenario, Case]:
        async def start(made: World) -> None:
            for name in ("a", "b"):
                await made.start(name, LEADER_ELECTION="false", **scenario.settings)

        writes = len(cleans[scenario.name].writes)
        allowed = Allowed(repeated=writes, statuses=writes, lost_events=True, more_events=True)
        return scenario, Case("two leaders", start=start, allowed=allowed)

    await cases.check_all([case(scenario) for scenario in SCENARIOS], subtests)


def killed(number: int, moment: str) -> Case:
    """The leader dies for good, the other one takes over."""

    async def arrange(made: World) -> None:
        async def act(write: Write) -> None:
            operator = made.operators.pop(write.call.user)
            await operator.kill()
            made.expire()
            raise Cut

        made.server.strikes.append(Strike(number, moment, act))

    return Case(f"leader dies {moment} write {number}", arrange=arrange, start=two, allowed=_CHANGE)


def stolen(number: int, moment: str) -> Case:
    """Somebody takes the Lease; the leader must end by itself, and may lead again after that."""

    async def arrange(made: World) -> None:
        async def act(_: Write) -> None:
            made.steal(seconds=1)

        made.server.strikes.append(Strike(number, moment, act))

    def judge(_: World, got: Result) -> list[str]:
        return [] if 1 in got.exits else ["no operator ended although its Lease was taken"]

    async def finish(made: World) -> None:
        await until(lambda: 1 in made.exits, what="the leader ends")
        await until(lambda: made.holder() == "a", what="it leads again")

    return Case(
        f"Lease stolen {moment} write {number}",
        arrange=arrange,
        finish=finish,
        judge=judge,
        allowed=_CHANGE,
    )


def asleep(number: int, moment: str) -> Case:
    """The leader's machine is paused; the other one takes over and finishes; then the first one wakes up, after the deadline
    by which it had to renew its Lease."""
    slept: list[str] = []
    since: list[float] = []
    woken: list[int] = []

    async def arrange(made: World) -> None:
        async def act(write: Write) -> None:
            slept.append(write.call.user)
            made.signal(write.call.user, signal.SIGSTOP)
            since.append(time.monotonic())
            made.expire()
            if moment == "before":
                raise Cut
            # The answer waits for it: awake, it goes on right with the next write.

        made.server.strikes.append(Strike(number, moment, act))

    async def start(made: World) -> None:
        await two(made, RENEW_DEADLINE_SECONDS=str(DEADLINE_SECONDS))

    async def finish(made: World) -> None:
        await until(lambda: made.holder() not in ("", slept[0]), what="the other one leads")
        await made.settled()
        await until(lambda: time.monotonic() > since[0] + DEADLINE_SECONDS, what="the deadline")
        woken.append(len(made.server.journal))
        ended = len(made.exits)
        made.signal(slept[0], signal.SIGCONT)
        await until(lambda: len(made.exits) > ended, what="the former leader ends")

    def judge(made: World, _: Result) -> list[str]:
        late = [str(write) for write in made.server.journal[woken[0] :] if write.call.user == slept[0]]
        return [f"written by the former leader: {late}"] if late else []

    return Case(
        f"leader sleeps {moment} write {number}",
        arrange=arrange,
        start=start,
        finish=finish,
        judge=judge,
        allowed=_CHANGE,
    )


@pytest.mark.parametrize("kind", [killed, stolen, asleep], ids=lambda kind: kind.__name__)
async def test_leader_fails_at_every_write(
    kind: Callable[[int, str], Case], cases: Cases, subtests: pytest.Subtests
) -> None:
    cleans = await cases.cleans(_BY_NAME[name] for name in STEPPED)
    made = [
        (_BY_NAME[name], kind(write.number, moment))
        for name in STEPPED
        for write in cleans[name].writes
        for moment in ("before", "after")
    ]
    await cases.check_all(made, subtests, share=3)


def skewed(who: str, skew: int) -> Case:
    """The clocks of the machines differ by more than the Lease's time."""

    async def start(made: World) -> None:
        for name in ("a", "b"):
            await made.start(name, **({"CONTRACT_CLOCK_SKEW": str(skew)} if name == who else {}))
            await until(lambda: made.holder() == "a", what="a leads")
        await made.watching("b")

    async def finish(made: World) -> None:
        look = Call("b", "get", "leases")
        looked = made.server.calls[look]
        await until(lambda: made.server.calls[look] >= looked + LOOKS, what="the follower looks at the Lease")

    def judge(made: World, _: Result) -> list[str]:
        return [str(write) for write in made.server.journal if write.call.user == "b"]

    return Case(f"clock of {who} is {skew} s ahead", start=start, finish=finish, judge=judge)


async def test_clocks_differ(cases: Cases, subtests: pytest.Subtests) -> None:
    """The follower never takes the Lease of a leader that lives, whatever the clocks say."""
    made = [skewed(who, skew) for who in ("a", "b") for skew in (-3600, -300, 300, 3600)]
    await cases.check(_BY_NAME["create and serve"], made, subtests)
