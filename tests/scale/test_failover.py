"""The leader is killed in the middle of a burst: the other replica goes on, and nothing is written twice."""

from typing import Final

from scale.conftest import SCALE, Make
from scale.fleet import Fleet
from scale.shapes import BODIES

COUNT: Final = max(100, SCALE // 5)
"""So many that the leader is not through when it is killed."""


async def test_standby_goes_on_where_the_killed_leader_was(fleet: Fleet, make: Make) -> None:
    leader, standby = make("a"), make("b")
    await leader.start()
    await leader.leads()
    await standby.start()
    await standby.ready()
    await fleet.do("latency", seconds=0.1)  # so that the burst takes a while
    await fleet.do("create", bodies=BODIES, first=0, count=COUNT)
    await fleet.until(lambda stats: stats["waiting"] <= COUNT * 3 // 4, what="a quarter is done")
    await leader.kill()
    before = await fleet.do("stats")
    assert before["waiting"] > 0
    assert not any(call.startswith("b apply") for call in before["calls"])
    await fleet.do("expire")  # instead of waiting: busy machines need long Leases
    await fleet.converged()
    await standby.idle()
    stats = await fleet.do("stats")
    assert stats["idle_writes"] == {}
    for call in ("apply rayservices", "apply poddisruptionbudgets", "apply llmdeployments/status"):
        assert stats["writes"][call] == {"objects": COUNT, "total": COUNT, "most": 1}, call
