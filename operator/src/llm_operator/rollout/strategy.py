"""Which way a change takes: spec.rollout.strategy and the change's class → Choice."""

from collections.abc import Collection
from dataclasses import dataclass

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.way import Way
from llm_operator.change.model import Change
from llm_operator.rollout.choice import Choice


@dataclass(frozen=True, slots=True)
class Situation:
    """What runs while the change is chosen for. The default is what `llm-operator plan` knows offline: all serve."""

    serving: bool = True
    """There is a Ray cluster that requests reach."""
    preparing: bool = False
    """Another one is being prepared to take over."""
    down: Collection[str] = ()
    """Applications that answer nobody now: a restart interrupts nothing."""
    lacking: str = ""
    """What a second Ray cluster lacks now; empty: nothing, or nobody knows."""


SERVING = Situation()


def _listed(names: Collection[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))


def _because(change: Change) -> str:
    return ", ".join(path.removeprefix("rayClusterConfig.") for path in change.cluster_paths[:3])


def _restart(strategy: str, change: Change, now: Situation) -> Choice:
    """Replicas restart, on the Ray cluster that is there or on a new one."""
    if now.preparing:
        return Choice(Way.IN_PLACE, "it goes to the Ray cluster that is being prepared, which serves nobody yet")
    restarted = set(change.restarted) - set(now.down)
    interrupted = set(change.interrupted) - set(now.down)
    if strategy == "Incremental" and restarted:
        return Choice(Way.INCREMENTAL)
    if strategy == "BlueGreen" and restarted:
        return Choice(Way.NEW_CLUSTER, "strategy BlueGreen: a new Ray cluster takes over when it serves")
    if strategy == "Auto" and interrupted:
        if now.lacking:
            spared = f"there is no room for a second Ray cluster, which would keep {_listed(interrupted)} answering"
            return Choice(Way.IN_PLACE, f"{spared} ({now.lacking})", by_room=True)
        only = f"{_listed(interrupted)} would have no replica for a while"
        return Choice(Way.NEW_CLUSTER, f"{only}: a new Ray cluster takes over when it serves", by_room=True)
    if interrupted:
        return Choice(Way.IN_PLACE, f"requests to {_listed(interrupted)} wait while it restarts (strategy {strategy})")
    return Choice(Way.IN_PLACE)


def _beside(change: Change, lacking: str) -> Choice:
    """Strategy Auto: a second Ray cluster beside the one that serves."""
    if not lacking:
        return Choice(Way.NEW_CLUSTER, by_room=True)
    return Choice(
        Way.HOLD,
        instead=True,
        by_room=True,
        waits=f"the change waits for room for a second Ray cluster: {lacking}",
        message=f"needs a new Ray cluster ({_because(change)}), and there is no room for it beside the old one, which goes on: {lacking}. "
        "It starts by itself when there is room: free what is missing or add a node; or set spec.rollout.strategy to Recreate (planned "
        "downtime), or take the change back",
    )


def _cluster(strategy: str, change: Change, now: Situation) -> Choice:
    """A new Ray cluster is needed."""
    if strategy == "InPlace" and now.serving:
        return Choice(
            Way.HOLD,
            instead=True,
            message=f"needs a new Ray cluster ({_because(change)}), which spec.rollout.strategy InPlace forbids: choose Auto or BlueGreen "
            f"({change.demand} more for a while) or Recreate (planned downtime), or take the change back",
        )
    if strategy == "Recreate" and now.serving:
        said = "planned downtime: the Ray cluster is stopped, and nothing is served until the new one does"
        return Choice(Way.RECREATE, f"{said} ({_because(change)})", instead=True)
    if strategy == "Auto" and not now.preparing:
        return _beside(change, now.lacking)
    if strategy in ("InPlace", "Recreate"):
        return Choice(Way.RECREATE, f"nothing is served yet: it starts anew ({_because(change)})", instead=True)
    return Choice(Way.INCREMENTAL if strategy == "Incremental" else Way.NEW_CLUSTER)


def choose(strategy: str, change: Change, now: Situation = SERVING) -> Choice:
    """`strategy`: spec.rollout.strategy. Whether there is room for a second Ray cluster only the scheduler knows: where nobody
    counts, or what was counted turns out wrong, the old one goes on serving, and the deadline ends the attempt."""
    if change.change_class is ChangeClass.NONE:
        return Choice(Way.NOTHING)
    if change.created:
        return Choice(Way.CREATE)
    if change.change_class is ChangeClass.IN_PLACE:
        return Choice(Way.IN_PLACE)
    return (_restart if change.change_class is ChangeClass.REPLICA_RESTART else _cluster)(strategy, change, now)
