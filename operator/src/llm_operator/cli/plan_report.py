"""What `llm-operator plan` says, as text and as JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.way import Way
from llm_operator.capacity.room import Room
from llm_operator.change.estimate import estimate
from llm_operator.change.model import ApplicationChange, Change
from llm_operator.change.words import causes, listed, sentence
from llm_operator.render.explain.layout import Section
from llm_operator.render.text import fill

_FIELDS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to one LLMDeployment."""

    namespace: str
    name: str
    change: Change
    way: Way
    note: str
    """What is to be known of the way; may be empty."""
    strategy: str
    """spec.rollout.strategy."""
    stopped: str
    """`suspend` or `paused` when the new spec says so; else empty."""
    exists: bool
    """There is a RayService."""
    measured: Mapping[str, Any]
    """status.measured."""
    fields: Mapping[str, tuple[str, ...]]
    """Application → fields of the spec that decide; empty when the old spec is not known."""
    wanted: Mapping[str, Any] = field(repr=False)
    """The RayService that would be applied."""
    room: Room | None = None
    """For the Ray cluster that would start; None when none would, or nobody looked."""
    counted: bool = False
    """The operator looks too, and strategy Auto goes by it."""
    warnings: tuple[str, ...] = ()
    """What the spec allows and its user should know."""

    @property
    def changes(self) -> bool:
        """Whether an apply would have any effect on what runs."""
        if self.stopped == "suspend":
            return self.exists
        return self.change.change_class is not ChangeClass.NONE

    @property
    def seconds(self) -> int | None:
        """None: nobody knows."""
        return estimate(self.change, self.measured)


def _meaning(planned: Planned) -> str:
    change = planned.change
    if change.change_class is ChangeClass.NONE:
        return "nothing changes"
    if change.created:
        return "a Ray cluster starts"
    if change.change_class is ChangeClass.NEW_CLUSTER and planned.way is Way.NEW_CLUSTER:
        return "another Ray cluster starts beside this one, and takes over when all of it serves"
    if change.change_class is ChangeClass.NEW_CLUSTER and planned.way is Way.INCREMENTAL:
        return "another Ray cluster starts beside this one, and takes over step by step"
    if change.change_class is ChangeClass.NEW_CLUSTER:
        return "another Ray cluster is needed"
    if change.restarted:
        return f"replicas of {listed(change.restarted, 8)} restart, a few at a time, on the Ray cluster that is there"
    return "no replica restarts"


def _why(planned: Planned, each: ApplicationChange) -> str:
    fields = planned.fields.get(each.name)
    return listed(fields or each.paths, _FIELDS_SHOWN)


def _application(planned: Planned, each: ApplicationChange) -> str:
    why = _why(planned, each)
    if each.change_class is ChangeClass.NONE:
        return f"{each.name}: None"
    if each.change_class is ChangeClass.NEW_CLUSTER and not why:
        return f"{each.name}: NewCluster, with the Ray cluster that it runs on"
    return f"{each.name}: {each.change_class}: {why}"


def _graceful_seconds(planned: Planned) -> int:
    """The longest time that a replica gets to end its requests."""
    config = json.loads(planned.wanted["spec"]["serveConfigV2"])
    overrides = [override for each in config["applications"] for override in each["deployments"]]
    return max((int(override.get("graceful_shutdown_timeout_s", 0)) for override in overrides), default=0)


def _requests(planned: Planned) -> list[str]:
    """What happens to those that run and to those that come meanwhile."""
    change, grace = planned.change, _graceful_seconds(planned)
    said = (
        [f"{listed(change.removed, 8)}: 404 once it is gone; running ones get up to {grace} s to end"]
        if change.removed
        else []
    )
    if change.change_class is ChangeClass.NEW_CLUSTER and change.created:
        return [*said, "are answered when the Ray cluster serves"]
    if planned.way is Way.RECREATE:
        return [*said, "planned downtime: all that run are cut, and none is answered until the new Ray cluster serves"]
    if planned.way is Way.INCREMENTAL:
        delay = planned.wanted["spec"]["rayClusterDeletionDelaySeconds"]
        return [
            *said,
            "those of a step may wait until a new replica has loaded",
            f"old replicas get up to {grace} s to end theirs; the old Ray cluster goes {delay} s after the last step",
        ]
    if change.change_class is ChangeClass.NEW_CLUSTER:
        delay = planned.wanted["spec"]["rayClusterDeletionDelaySeconds"]
        return [*said, f"those that run end on the old Ray cluster, which goes {delay} s after the switch"]
    if change.interrupted:
        waiting = f"those to {listed(change.interrupted, 8)} wait while it has no replica"
        return [*said, f"running ones get up to {grace} s to end; {waiting}"]
    if change.restarted:
        return [*said, f"running ones get up to {grace} s to end; the replicas that are left answer meanwhile"]
    return said or ["nobody notices"]


def _takes(planned: Planned) -> str:
    if planned.change.change_class is ChangeClass.NONE:
        return ""
    if planned.seconds is None:
        return "not known: no such change of this object was measured yet"
    return f"about {planned.seconds} s, as the last one"


def _room(planned: Planned) -> list[str]:
    room = planned.room
    if room is None:
        return []
    if not room.known:
        return [f"unknown: {room.unknown}"]
    if not room.lacking:
        return ["there is room now, as far as the requests of pods and the labels, taints and size of nodes say"]
    said = [f"none now: {room.lacking}"]
    if planned.strategy == "Auto" and planned.exists and not planned.counted:
        said.append("where the operator looks too (chart value operator.freeCapacity), strategy Auto goes by it")
    return said


def _whole(planned: Planned) -> Section:
    change = planned.change
    made = Section("In all")
    if planned.stopped == "suspend":
        gone = "the RayService is deleted: nothing runs, and no request is answered until spec.suspend is false"
        made.add("Class", gone if planned.exists else "nothing runs, and nothing starts while spec.suspend is true")
        return made
    if planned.stopped:
        made.add("Now", "nothing is applied while spec.paused is true; afterwards:")
    made.add("Class", f"{change.change_class}: {_meaning(planned)}")
    if change.change_class is ChangeClass.NONE:
        return made
    made.add("Because of", listed(causes(change), _FIELDS_SHOWN))
    made.add(
        "Later",
        f"in force with the next new Ray cluster: {listed(change.deferred_paths)}" if change.deferred_paths else "",
    )
    made.add("Rollout", f"{planned.way} (strategy {planned.strategy})", planned.note)
    made.add("Room", *_room(planned))
    if planned.way is Way.HOLD:
        return made
    freed = planned.way is Way.RECREATE
    how_long = "after what runs is stopped" if freed else "while it goes on" if _is_new(change) else "for good"
    made.add("Needs", f"{change.demand} more, {how_long}" if change.demand.pods else "nothing more")
    made.add("Requests", *_requests(planned))
    made.add("Takes", _takes(planned))
    made.add("Beware", *planned.warnings)
    return made


def _is_new(change: Change) -> bool:
    return change.change_class is ChangeClass.NEW_CLUSTER and not change.created


def as_text(planned: Planned) -> str:
    """Lines of at most 100 columns, but where a name is longer."""
    each = Section("Models and applications")
    lines = (
        [] if planned.stopped == "suspend" else [_application(planned, found) for found in planned.change.applications]
    )
    lines += [f"{name}: starts" for name in planned.change.added] + [f"{name}: ends" for name in planned.change.removed]
    for line in lines:
        each.add("", line)
    sections = [_whole(planned), *([each] if lines else [])]
    return fill("explain.txt.j2", title=f"LLMDeployment {planned.namespace}/{planned.name}", sections=sections)


def _room_json(room: Room | None) -> dict[str, Any] | None:
    if room is None:
        return None
    fits = [{"name": each.name, "pods": each.needed, "fit": each.fit, "nodes": each.nodes} for each in room.fits]
    return {"known": room.known, "unknown": room.unknown, "lacking": room.lacking, "fits": fits}


def _application_json(planned: Planned, each: ApplicationChange) -> dict[str, Any]:
    return {
        "name": each.name,
        "kind": "Model" if each.is_model else "Application",
        "class": each.change_class.value,
        "fields": list(planned.fields.get(each.name, ())),
        "paths": list(each.paths),
        "restartedDeployments": list(each.restarted),
        "interrupted": each.interrupted,
    }


def as_json(planned: Planned) -> dict[str, Any]:
    """The same for machines; keys as in status.lastChange where it has them."""
    change = planned.change
    return {
        "namespace": planned.namespace,
        "name": planned.name,
        "changes": planned.changes,
        "class": change.change_class.value,
        "message": sentence(change),
        "strategy": planned.way.value,
        "strategyMessage": planned.note,
        "stopped": planned.stopped or None,
        "extraPods": change.demand.pods,
        "extraAccelerators": change.demand.accelerators_text,
        "room": _room_json(planned.room),
        "warnings": list(planned.warnings),
        "estimateSeconds": planned.seconds,
        "applications": [_application_json(planned, each) for each in change.applications],
        "added": list(change.added),
        "removed": list(change.removed),
        "clusterPaths": list(change.cluster_paths),
        "deferredPaths": list(change.deferred_paths),
    }
