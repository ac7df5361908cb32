"""What a run left behind, without what differs between any two runs, and what a fault may have changed in it.

The standard is a run of the same code without a fault, never a literal object.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from contract.faults import Write
from contract.objects import Object
from contract.server import FakeServer

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SECONDS = re.compile(r"\b\d+ s\b")
_NOT_COMPARED = frozenset({"leases", "events"})
_COSTLY = frozenset({"rayservices", "rayclusters"})


def normal(value: Any) -> Any:
    """Without resource versions, managed fields, times and what was measured."""
    if isinstance(value, dict):
        return {
            key: sorted(item) if key == "measured" else normal(item)
            for key, item in value.items()
            if key not in ("resourceVersion", "managedFields")
        }
    if isinstance(value, list):
        return [normal(item) for item in value]
    return _SECONDS.sub("<seconds> s", _TIME.sub("<time>", value)) if isinstance(value, str) else value


def state(server: FakeServer) -> dict[str, Any]:
    """All objects but Leases and events, by `kind namespace/name`. Names, uids and generations are the same in every run."""
    return {
        f"{plural} {obj['metadata']['namespace']}/{obj['metadata']['name']}": normal(obj)
        for plural in sorted(server.objects.plurals() - _NOT_COMPARED)
        for obj in server.objects.select(plural)
    }


@dataclass(frozen=True)
class Result:
    """One finished run."""

    state: dict[str, Any]
    history: dict[str, list[Any]]
    """Of each RayService and RayCluster: its specs in their order, with the uid. One that comes, goes and comes again costs
    GPUs."""
    steps: list[str]
    """Of the LLMDeployments: what each status changed, as it was stored."""
    events: Counter[str]
    """Events by their text, with the times that they were seen."""
    journal: list[Write]
    exits: list[int]
    """Exit codes of operators that ended by themselves or by the fault."""
    changes: Counter[str]
    """Of each kind, as its watches saw them."""
    calls: frozenset[tuple[str, str]]
    """Every verb and resource that was asked for."""

    @property
    def writes(self) -> list[Write]:
        """Without events."""
        return [write for write in self.journal if write.call.resource != "events"]

    def kinds(self) -> Counter[str]:
        """Effective writes by verb, resource and name."""
        return Counter(
            f"{write.call.verb} {write.call.resource} {write.name}" for write in self.writes if write.effective
        )


def result(server: FakeServer, exits: list[int]) -> Result:
    """Of the server as it is now."""
    changes = Counter(change.kind for change in server.objects.log)
    history: dict[str, list[Any]] = {}
    steps: list[str] = []
    statuses: dict[str, Any] = {}
    for change in server.objects.log:
        if change.kind in _NOT_COMPARED:
            continue
        name = f"{change.kind} {change.object['metadata']['name']}"
        if change.kind == "llmdeployments":
            steps += _differences(name, statuses.get(name), change.object.get("status"))
            statuses[name] = change.object.get("status")
        elif change.kind in _COSTLY:
            gone = change.type == "DELETED"
            _append(history.setdefault(name, []), "gone" if gone else _child(change.object))
    return Result(
        state(server), history, steps, _events(server), list(server.journal), list(exits), changes, _calls(server)
    )


def _calls(server: FakeServer) -> frozenset[tuple[str, str]]:
    return frozenset((call.verb, call.resource) for call in server.calls)


def _child(obj: Object) -> Any:
    return [obj["metadata"]["uid"], {key: value for key, value in obj.items() if key not in ("metadata", "status")}]


def _append(entries: list[Any], entry: Any) -> None:
    if not entries or entries[-1] != entry:
        entries.append(entry)


def _events(server: FakeServer) -> Counter[str]:
    found = server.objects.select("events")
    return Counter(
        {
            str(normal(f"{event['type']} {event['reason']}: {event['note']}")): (event.get("series") or {}).get(
                "count", 1
            )
            for event in found
        }
    )


@dataclass(frozen=True)
class Allowed:
    """What a fault explains. The end state and the history of the children are never allowed to differ."""

    repeated: int = 0
    """Writes that were done again although they had been acknowledged, that changed nothing, or that changed something which
    costs nothing (never a spec that Ray sees: that is the history's business)."""
    statuses: int = 0
    """Further statuses in between (for example ApplyRejected, and its end)."""
    lost_events: bool = False
    """Events are notes: a crash or a refusal may lose them."""
    more_events: bool = False
    """Events about the fault itself."""
    exits: tuple[int, ...] = ()
    """Exit codes that must come, each once."""
    any_exits: bool = False


def verdict(clean: Result, got: Result, allowed: Allowed) -> list[str]:
    """What is wrong; empty when nothing is."""
    wrong = [*_differences("", clean.state, got.state)]
    if clean.history != got.history:
        wrong += ["the children went through other specs:", *_differences("", clean.history, got.history)]
    return wrong + _writes(clean, got, allowed) + _notes(clean, got, allowed)


def _writes(clean: Result, got: Result, allowed: Allowed) -> list[str]:
    wrong = []
    more = got.kinds() - clean.kinds()
    statuses = sum(count for kind, count in more.items() if kind.startswith("apply llmdeployments/status"))
    others = {kind: count for kind, count in more.items() if not kind.startswith("apply llmdeployments/status")}
    if sum(others.values()) > allowed.repeated:
        wrong.append(f"writes that changed something and should not: {others}")
    if statuses > allowed.statuses:
        wrong += [f"{statuses} statuses more, {allowed.statuses} explained; all changes:", *got.steps]
    unanswered = sum(not write.acknowledged for write in got.writes)
    most = len(clean.writes) + unanswered + allowed.repeated + allowed.statuses
    if len(got.writes) > most:
        wrong.append(f"{len(got.writes)} writes, explained are {most}")
    return wrong


def _notes(clean: Result, got: Result, allowed: Allowed) -> list[str]:
    wrong = []
    more, less = got.events - clean.events, clean.events - got.events
    if more and not allowed.more_events:
        wrong.append(f"events that should not be: {dict(more)}")
    if less and not allowed.lost_events:
        wrong.append(f"events missing: {dict(less)}")
    if not allowed.any_exits and sorted(got.exits) != sorted(allowed.exits):
        wrong.append(f"operators ended with {got.exits}, expected {list(allowed.exits)}")
    return wrong


def _differences(path: str, want: Any, got: Any) -> list[str]:
    if want == got:
        return []
    if isinstance(want, dict) and isinstance(got, dict):
        keys = sorted({*want, *got}, key=str)
        return [line for key in keys for line in _differences(f"{path}.{key}", want.get(key), got.get(key))]
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        pairs = enumerate(zip(want, got, strict=True))
        return [line for at, (one, other) in pairs for line in _differences(f"{path}[{at}]", one, other)]
    return [f"{path}: want {json.dumps(want)[:600]}, got {json.dumps(got)[:600]}"]
