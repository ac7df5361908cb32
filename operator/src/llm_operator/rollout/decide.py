"""The decision of one sync: what is applied, held, recreated, tried again, given up, and when to look again."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.spec.rollout import Rollout
from llm_operator.api.way import Way
from llm_operator.change.classify import classify
from llm_operator.change.model import Change, Demand
from llm_operator.change.words import sentence
from llm_operator.plan.inputs import Object, Scope
from llm_operator.plan.scheduling import queued
from llm_operator.render.sticky import Sticky, sticky_of
from llm_operator.rollout import incremental
from llm_operator.rollout.choice import Choice
from llm_operator.rollout.failure import under_way
from llm_operator.rollout.pending import returns, serves
from llm_operator.rollout.retries import Retries, retries
from llm_operator.rollout.strategy import Situation, choose
from llm_operator.status.observed import Observed
from llm_operator.status.serving import was_served

_NEW_CLUSTER: Final = (Way.NEW_CLUSTER, Way.INCREMENTAL)
Render: TypeAlias = Callable[[Sticky], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about the difference between the live RayService and the wanted one."""

    change: Change
    choice: Choice
    wanted: dict[str, Any]
    """The RayService to apply, unless the way is Hold or Recreate."""
    sticky: Sticky
    retries: Retries
    announced: bool
    """A planned downtime stands in the status already."""

    @property
    def message(self) -> str:
        """What happens and why; empty where the change's own words say enough."""
        if self.choice.instead:
            return self.choice.message
        return f"{sentence(self.change)}; {self.choice.message}" if self.choice.message else ""

    @property
    def room_for(self) -> Mapping[str, Any] | None:
        """The rayClusterConfig that needs room beside the one that serves, where that decides; None where it does not."""
        config: Mapping[str, Any] = self.wanted["spec"]["rayClusterConfig"]
        return config if self.choice.by_room else None

    @property
    def held(self) -> bool:
        """Nothing may be applied."""
        return self.choice.way is Way.HOLD

    @property
    def recreates(self) -> bool:
        """The live RayService has to go first."""
        return self.choice.way is Way.RECREATE


def _applications(rayservice: Object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(rayservice["spec"]["serveConfigV2"])["applications"]
    return found


def _forced(before: str, wanted: Object) -> str:
    """Digest of what a new Ray cluster is forced for: the same for the same edit, another one for each edit."""
    return hashlib.sha256(f"{before}\n{wanted['spec']['serveConfigV2']}".encode()).hexdigest()[:12]


def _down(scope: Scope, observed: Observed) -> Iterator[str]:
    """Applications that answer nobody. Those that wait for their first word from Serve have no state yet: they count as
    serving, since KubeRay blanks states. Starting ones answer nobody if the prober says so; without one that is not known."""
    for name, seen in observed.applications.items():
        served = any(was_served(scope, observed, name, kind) for kind in ("models", "applications"))
        starting = bool(seen.status) and seen.status != "RUNNING" and scope.probes is not None
        if seen.failed or (starting and not served):
            yield name


def _situation(scope: Scope, observed: Observed) -> Situation:
    down = tuple(_down(scope, observed))
    return Situation(
        serving=bool(observed.active_cluster),
        preparing=bool(observed.active_cluster and observed.pending_cluster) or not observed.active_cluster,
        down=down,
        lacking=scope.room.lacking if scope.room is not None else "",
    )


def _choose(
    scope: Scope, child: Object | None, rollout: Rollout, observed: Observed, wanted: Object, change: Change
) -> Choice:
    now = _situation(scope, observed)
    given_up = observed.ready_reason == "InitializingTimeout"
    if given_up and child is not None and sticky_of(child).restarted_at != sticky_of(wanted).restarted_at:
        return Choice(Way.RECREATE, "KubeRay gave the RayService up: it is made anew", instead=True)
    if (instead := incremental.obstacle(scope, child, rollout, observed, change)) is not None:
        return instead
    if change.change_class is ChangeClass.NEW_CLUSTER and returns(scope, observed, wanted):
        back, gone = observed.active_cluster, observed.pending_cluster
        how = "requests move back step by step, then" if incremental.stepwise(child) else "which serves;"
        return Choice(Way.IN_PLACE, f"back to Ray cluster {back}, {how} {gone} is dropped", instead=True)
    choice = choose(rollout.strategy, change, now)
    if choice.by_room and _uncounted(scope, observed, wanted, change):
        choice = replace(choose(rollout.strategy, change, replace(now, lacking="")), by_room=False)
    return replace(choice, message=incremental.pace(rollout)) if choice.way is Way.INCREMENTAL else choice


def _uncounted(scope: Scope, observed: Observed, wanted: Object, change: Change) -> bool:
    """Room is no question: pods that wait in a queue displace others by its rules; and a RayService that somebody edited by hand goes
    back to the Ray cluster that serves."""
    back = change.change_class is ChangeClass.NEW_CLUSTER and serves(scope, observed, wanted)
    return back or queued(wanted["metadata"].get("labels") or {})


def _announced(scope: Scope) -> bool:
    change = under_way(scope)
    return (change.get("strategy"), change.get("generation")) == (Way.RECREATE.value, scope.generation)


def decide(
    scope: Scope, child: Object | None, rollout: Rollout, observed: Observed, sticky: Sticky, render: Render
) -> Decision:
    """`child`: the live RayService if it is ours. `sticky`: what is in force, before anything is forced or tried again;
    `render` makes the RayService from it."""
    wanted = render(sticky)
    change = classify(child, wanted)
    choice = _choose(scope, child, rollout, observed, wanted, change)
    if choice.way in _NEW_CLUSTER and change.change_class is ChangeClass.REPLICA_RESTART:
        sticky = replace(sticky, forced=_forced(sticky.forced, wanted))
        wanted = render(sticky)
        change = classify(child, wanted)
    if choice.way is Way.RECREATE:
        change = replace(change, demand=Demand())
    elif choice.way is Way.IN_PLACE and change.change_class is ChangeClass.NEW_CLUSTER:
        change = replace(change, change_class=ChangeClass.IN_PLACE, demand=Demand())
    found = retries(scope, observed, sticky, _applications(wanted))
    if found.now is not None and choice.way in (Way.NOTHING, Way.IN_PLACE) and not scope.applied:
        sticky = replace(sticky, retries=found.now)
        wanted = render(sticky)
    return Decision(change, choice, wanted, sticky, found, _announced(scope))
