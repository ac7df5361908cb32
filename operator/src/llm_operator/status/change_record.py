"""What is remembered of a change while it goes on: an entry like status.lastChange, and where it is kept.

It goes into an annotation of the RayService with the very apply that starts the change, so that a crash between that apply
and the status write loses nothing: the next process finds it there. KubeRay does not look at it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from llm_operator.api import names
from llm_operator.api.change_class import ChangeClass
from llm_operator.api.conditions import truncate
from llm_operator.api.way import Way
from llm_operator.change.estimate import starts_some
from llm_operator.change.model import Change
from llm_operator.change.words import sentence
from llm_operator.plan.inputs import Object, Scope
from llm_operator.status.observed import observe

Entry = dict[str, Any]

ALONE: Final = "alone"
"""Only in the annotation: nothing else was on its way when it started, so how long it takes says something."""
CREATED: Final = "created"
"""Only in the annotation: a first start, of which the conditions say enough."""
_TEXTS: Final = ("class", "message", "strategy", "extraAccelerators", "startedAt")
_NUMBERS: Final = ("generation", "extraPods")
_FLAGS: Final = (ALONE, CREATED)
FIELDS: Final = (*_TEXTS, *_NUMBERS)
"""Of status.lastChange, without finishedAt."""


def last(scope: Scope) -> Entry:
    """status.lastChange as last written; {} when there is none."""
    found = scope.status.get("lastChange")
    return dict(found) if isinstance(found, Mapping) else {}


def unfinished(entry: Entry) -> bool:
    """There is a change, and it goes on."""
    return bool(entry) and not entry.get("finishedAt")


def _entry(scope: Scope, change: Change, way: Way, message: str) -> Entry:
    return {
        "generation": scope.generation,
        "class": change.change_class.value,
        "message": truncate(message),
        "strategy": way.value,
        "extraPods": change.demand.pods,
        "extraAccelerators": change.demand.accelerators_text,
        "startedAt": scope.now,
    }


def _of_preparation(scope: Scope, change: Change, before: Entry, cluster: str) -> Entry:
    """The change goes to a Ray cluster that is being prepared: what that was started for goes on."""
    message = f"{sentence(change)}; it goes to Ray cluster {cluster}, which is being prepared ({before['message']})"
    kept: Entry = {key: before[key] for key in FIELDS if key in before}
    return kept | {"generation": scope.generation, "message": truncate(message), ALONE: False, CREATED: False}


def started(scope: Scope, change: Change, way: Way, message: str = "") -> Entry:
    """The entry of a change that starts now. `message`: instead of the change's own sentence.

    Planned downtime that was announced before goes on when the RayService is made anew. A change that goes to a pending Ray
    cluster, and needs no further one, is part of that one's.
    """
    before = last(scope)
    if change.created and unfinished(before) and before.get("strategy") == Way.RECREATE:
        goes_on: Entry = {key: before[key] for key in FIELDS if key in before}
        return goes_on | {ALONE: True, CREATED: False}
    observed = observe(scope.child)
    preparing = unfinished(before) and before.get("class") == ChangeClass.NEW_CLUSTER
    if preparing and observed.pending_cluster and change.change_class is not ChangeClass.NEW_CLUSTER:
        return _of_preparation(scope, change, before, observed.pending_cluster)
    alone = change.created or not (unfinished(before) or observed.pending_cluster or starts_some(change))
    entry = _entry(scope, change, way, message or sentence(change))
    return {**entry, ALONE: alone, CREATED: change.created}


def announced(scope: Scope, change: Change, way: Way, message: str) -> Entry:
    """The entry of a change that starts later, for status only; the same at each look until it starts."""
    entry, before = _entry(scope, change, way, message), last(scope)
    same = unfinished(before) and all(before.get(key) == entry[key] for key in ("generation", "strategy", "class"))
    return {**entry, "startedAt": before["startedAt"]} if same else entry


def stamped(rayservice: Object, entry: Entry) -> dict[str, Any]:
    """The RayService to apply, with the entry."""
    metadata = rayservice["metadata"]
    text = json.dumps(entry, sort_keys=True, ensure_ascii=False)
    annotations = {**(metadata.get("annotations") or {}), names.CHANGE_ANNOTATION: text}
    return {**rayservice, "metadata": {**metadata, "annotations": annotations}}


def _well_formed(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(key), str) for key in _TEXTS)
        and all(isinstance(entry.get(key), int) for key in _NUMBERS)
        and all(isinstance(entry.get(key), bool) for key in _FLAGS)
        and entry["class"] in list(ChangeClass)
    )


def recorded(child: Object | None) -> Entry:
    """The entry that a live RayService carries; {} when it has none, or somebody made nonsense of it."""
    annotations = ((child or {}).get("metadata") or {}).get("annotations") or {}
    try:
        entry = json.loads(annotations.get(names.CHANGE_ANNOTATION, ""))
    except (ValueError, TypeError):
        return {}
    return {key: entry[key] for key in (*FIELDS, *_FLAGS)} if _well_formed(entry) else {}


def kept(scope: Scope) -> Entry:
    """For an apply that changes nothing that runs: the entry stays as it is."""
    found = recorded(scope.child)
    before = {key: value for key, value in last(scope).items() if key in FIELDS}
    return found or ({**before, ALONE: False, CREATED: False} if before else {})
