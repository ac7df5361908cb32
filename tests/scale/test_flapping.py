"""Children that change all the time: a status is written for a change of a condition, and for nothing else."""

from typing import Final

from scale.conftest import SCALE, Make
from scale.fleet import Fleet
from scale.shapes import BODIES

OBJECTS: Final = min(100, SCALE // 10)
HERTZ: Final = 10.0
SECONDS: Final = 10.0
CONCURRENCY: Final = 32
"""LLM_OPERATOR_KUBE_CONCURRENCY as it is by default."""


async def test_flapping_children_cost_at_most_one_status_per_transition(fleet: Fleet, make: Make) -> None:
    operator = make("a")
    await operator.start()
    await fleet.do("create", bodies=BODIES, first=0, count=OBJECTS)
    await fleet.converged()
    await fleet.do("serve")
    await operator.idle()
    assert await fleet.do("ready") == {"True": OBJECTS}
    await fleet.do("reset")
    await fleet.do("flap", objects=OBJECTS, hertz=HERTZ, seconds=SECONDS)
    await fleet.until(lambda stats: not stats["flapping"], what="the flapping ends")
    await operator.idle()
    stats = await fleet.do("stats")
    assert stats["transitions"] == OBJECTS * HERTZ * SECONDS
    written = stats["writes"]["apply llmdeployments/status"]
    assert written["most"] <= HERTZ * SECONDS
    assert stats["same_conditions"] == 0
    assert stats["idle_writes"] == {}
    assert "apply rayservices" not in stats["writes"]
    assert stats["most_in_flight"]["a"] <= CONCURRENCY
    assert await fleet.do("ready") == {"True": OBJECTS}


async def test_changes_that_say_nothing_new_cost_nothing(fleet: Fleet, make: Make) -> None:
    operator = make("a")
    await operator.start()
    await fleet.do("create", bodies=BODIES, first=0, count=OBJECTS)
    await fleet.converged()
    await fleet.do("serve")
    await operator.idle()
    await fleet.do("reset")
    await fleet.do("flap", objects=OBJECTS, hertz=HERTZ, seconds=5.0, state="RUNNING")
    await fleet.until(lambda stats: not stats["flapping"], what="the flapping ends")
    await operator.idle()
    stats = await fleet.do("stats")
    assert stats["transitions"] == OBJECTS * HERTZ * 5.0
    assert set(stats["writes"]) <= {"update leases"}
