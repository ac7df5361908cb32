"""The leader's pod is deleted at any write while the other replica is ready: what it began is finished, and the gap is short.

The gap is counted in looks of the follower at the Lease, which a busy machine does not change, and told in seconds by the
settings of the chart."""

import signal
from pathlib import Path

import pytest
import yaml
from contract.cases import Case, Cases
from contract.faults import Call, Strike, Write
from contract.operator_process import until
from contract.oracle import Result
from contract.scenarios import SCENARIOS
from contract.test_two_operators import STEPPED, two
from contract.world import World

MOST_SECONDS = 17.0
JITTER = 1.2
"""A replica waits 1 to 1.2 times the chart's retrySeconds between two looks (llm_operator/control/leader.py)."""
_VALUES = Path(__file__).parents[2] / "charts" / "llm-operator" / "values.yaml"
_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def retry_seconds() -> float:
    """As the chart sets it."""
    return float(yaml.safe_load(_VALUES.read_text())["leaderElection"]["retrySeconds"])


def _released_and_taken(made: World) -> tuple[float, float]:
    """When the old leader gave the Lease up, and when the new one took it (monotonic)."""
    leases = [change for change in made.server.objects.log if change.kind == "leases"]
    released = [change.at for change in leases if not change.object["spec"]["holderIdentity"]]
    taken = [change.at for change in leases if change.object["spec"]["holderIdentity"] == "b"]
    assert len(released) == 1, "the Lease was given up once"
    assert taken, "the follower took it"
    return released[0], taken[0]


def terminated(number: int, moment: str) -> Case:
    """SIGTERM right before the n-th write is stored, or right after that."""
    codes: list[int] = []

    async def arrange(made: World) -> None:
        async def act(_: Write) -> None:
            made.leaving["a"] = made.operators.pop("a")
            made.leaving["a"].send(signal.SIGTERM)

        made.server.strikes.append(Strike(number, moment, act))

    async def finish(made: World) -> None:
        await until(lambda: "a" in made.leaving, what="SIGTERM is sent")
        codes.append(await made.leaving["a"].exit_code())
        await until(lambda: made.holder() == "b", what="the follower leads")

    def judge(made: World, _: Result) -> list[str]:
        wrong = [] if codes == [0] else [f"the old leader ended with {codes}"]
        released, taken = _released_and_taken(made)
        look = Call("b", "get", "leases")
        looks = sum(released < when <= taken for when, call, _ in made.server.seen_at if call == look)
        gap = looks * JITTER * retry_seconds()
        if gap > MOST_SECONDS or looks > 1:
            wrong.append(f"{looks} looks of the follower until it leads, {gap:g} s")
        wrong += [
            f"after its end: {each}" for each in made.server.journal if each.call.user == "a" and each.at > released
        ]
        wrong += [
            f"before that: {each}" for each in made.server.journal if each.call.user == "b" and each.at < released
        ]
        return wrong

    return Case(f"SIGTERM {moment} write {number}", arrange=arrange, start=two, finish=finish, judge=judge)


async def test_rolling_update_at_every_write(cases: Cases, subtests: pytest.Subtests) -> None:
    cleans = await cases.cleans(_BY_NAME[name] for name in STEPPED)
    made = [
        (_BY_NAME[name], terminated(write.number, moment))
        for name in STEPPED
        for write in cleans[name].journal
        for moment in ("before", "after")
    ]
    await cases.check_all(made, subtests, share=2)
