"""Which way a change takes, for every strategy and class."""

from __future__ import annotations

import pytest
from llm_operator.api.change_class import ChangeClass
from llm_operator.api.way import Way
from llm_operator.change.model import ApplicationChange, Change, Demand
from llm_operator.rollout.strategy import SERVING, Situation, choose

DOWN = Situation(down=("m",))
PREPARING = Situation(preparing=True)
NOTHING_SERVES = Situation(serving=False, preparing=True)
FULL = Situation(lacking="free now: 0 of the 1 gpu")


def change(kind: ChangeClass, replicas: int = 1, *, created: bool = False) -> Change:
    """Of application "m"."""
    restarted = ("LLMServer:m",) if kind is ChangeClass.REPLICA_RESTART else ()
    paths = ("rayClusterConfig.rayVersion",) if kind is ChangeClass.NEW_CLUSTER else ()
    application = ApplicationChange("m", True, kind, ("p",), restarted, replicas if restarted else 0)
    return Change(kind, created, (application,), (), (), paths, (), (), Demand(2, (("L4", 1),)))


RESTART, CLUSTER = change(ChangeClass.REPLICA_RESTART), change(ChangeClass.NEW_CLUSTER)
TWO = change(ChangeClass.REPLICA_RESTART, 2)


@pytest.mark.parametrize("strategy", ["Auto", "InPlace", "BlueGreen", "Recreate"])
@pytest.mark.parametrize("now", [SERVING, DOWN, PREPARING, NOTHING_SERVES])
def test_what_restarts_nothing(strategy: str, now: Situation) -> None:
    assert choose(strategy, change(ChangeClass.NONE), now).way is Way.NOTHING
    assert choose(strategy, change(ChangeClass.IN_PLACE), now).way is Way.IN_PLACE
    assert choose(strategy, change(ChangeClass.NEW_CLUSTER, created=True), now).way is Way.CREATE


@pytest.mark.parametrize(
    ("strategy", "made", "now", "way", "said"),
    [
        ("Auto", RESTART, SERVING, Way.NEW_CLUSTER, '"m" would have no replica for a while'),
        ("Auto", TWO, SERVING, Way.IN_PLACE, ""),
        ("Auto", RESTART, FULL, Way.IN_PLACE, 'no room for a second Ray cluster, which would keep "m" answering (free now: 0 of'),
        ("Auto", TWO, FULL, Way.IN_PLACE, ""),
        ("Auto", RESTART, Situation(down=("m",), lacking="x"), Way.IN_PLACE, ""),
        ("Auto", CLUSTER, FULL, Way.HOLD, "no room for it beside the old one, which goes on: free now: 0 of the 1 gpu. It starts by itself"),
        ("Auto", CLUSTER, Situation(preparing=True, lacking="x"), Way.NEW_CLUSTER, ""),
        ("BlueGreen", TWO, FULL, Way.NEW_CLUSTER, "strategy BlueGreen"),
        ("BlueGreen", CLUSTER, FULL, Way.NEW_CLUSTER, ""),
        ("Recreate", CLUSTER, FULL, Way.RECREATE, "planned downtime"),
        ("InPlace", CLUSTER, FULL, Way.HOLD, "which spec.rollout.strategy InPlace forbids"),
        ("Auto", RESTART, DOWN, Way.IN_PLACE, ""),
        ("Auto", RESTART, PREPARING, Way.IN_PLACE, "it goes to the Ray cluster that is being prepared"),
        ("InPlace", RESTART, SERVING, Way.IN_PLACE, 'requests to "m" wait while it restarts (strategy InPlace)'),
        ("InPlace", TWO, SERVING, Way.IN_PLACE, ""),
        ("BlueGreen", TWO, SERVING, Way.NEW_CLUSTER, "strategy BlueGreen"),
        ("BlueGreen", TWO, DOWN, Way.IN_PLACE, ""),
        ("BlueGreen", TWO, PREPARING, Way.IN_PLACE, "being prepared"),
        ("Recreate", RESTART, SERVING, Way.IN_PLACE, "wait while it restarts (strategy Recreate)"),
        ("Auto", CLUSTER, SERVING, Way.NEW_CLUSTER, ""),
        ("Auto", CLUSTER, NOTHING_SERVES, Way.NEW_CLUSTER, ""),
        ("BlueGreen", CLUSTER, SERVING, Way.NEW_CLUSTER, ""),
        ("InPlace", CLUSTER, SERVING, Way.HOLD, "needs a new Ray cluster (rayVersion), which spec.rollout.strategy InPlace forbids"),
        ("InPlace", CLUSTER, NOTHING_SERVES, Way.RECREATE, "nothing is served yet"),
        ("Recreate", CLUSTER, SERVING, Way.RECREATE, "planned downtime"),
        ("Recreate", CLUSTER, PREPARING, Way.RECREATE, "planned downtime"),
        ("Recreate", CLUSTER, NOTHING_SERVES, Way.RECREATE, "nothing is served yet"),
    ],
)  # fmt: skip
def test_what_restarts_something(strategy: str, made: Change, now: Situation, way: Way, said: str) -> None:
    choice = choose(strategy, made, now)
    assert choice.way is way
    assert said in choice.message
    assert bool(choice.message) == bool(said)


@pytest.mark.parametrize("now", [SERVING, FULL, DOWN, PREPARING, NOTHING_SERVES])
@pytest.mark.parametrize("strategy", ["Auto", "InPlace", "BlueGreen", "Recreate", "Incremental"])
def test_room_decides_for_auto_only_and_where_another_cluster_would_stand_beside_one_that_serves(
    strategy: str, now: Situation
) -> None:
    beside = strategy == "Auto" and now in (SERVING, FULL)
    assert choose(strategy, RESTART, now).by_room is beside
    assert choose(strategy, CLUSTER, now).by_room is (beside or (strategy == "Auto" and now is DOWN))
    for made in (
        TWO,
        change(ChangeClass.NONE),
        change(ChangeClass.IN_PLACE),
        change(ChangeClass.NEW_CLUSTER, created=True),
    ):
        assert not choose(strategy, made, now).by_room


def test_the_ways_out_of_a_held_change_are_named_with_what_they_cost() -> None:
    choice = choose("InPlace", CLUSTER)
    assert "Auto or BlueGreen (2 pods, 1xL4 more for a while) or Recreate (planned downtime)" in choice.message
    assert choice.instead, "the change's own words say what would happen, and it does not"


def test_several_applications_are_all_named() -> None:
    first = ApplicationChange("b", True, ChangeClass.REPLICA_RESTART, ("p",), ("x",), 1)
    second = ApplicationChange("a", True, ChangeClass.REPLICA_RESTART, ("p",), ("x",), 1)
    made = Change(ChangeClass.REPLICA_RESTART, False, (first, second), (), (), (), (), (), Demand())
    assert '"a", "b" would have no replica' in choose("Auto", made).message
    assert '"b" would' in choose("Auto", made, Situation(down=("a",))).message
