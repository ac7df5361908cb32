"""Wanted further children against live ones."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from llm_operator.api import names
from llm_operator.outcome import Removal
from llm_operator.plan.inputs import Object, Scope
from llm_operator.plan.ownership import adoptable, earlier, owned
from llm_operator.render.drift import differences

_Id: TypeAlias = tuple[str, str, str]
"""(apiVersion, kind, name)."""


def _id(obj: Object) -> _Id:
    return str(obj["apiVersion"]), str(obj["kind"]), str(obj["metadata"]["name"])


def _hash(obj: Object) -> Any:
    return (obj["metadata"].get("annotations") or {}).get(names.SPEC_HASH_ANNOTATION)


def _equal(wanted: Object, live: Object) -> bool:
    return _hash(wanted) == _hash(live) and next(differences(wanted, live), None) is None


def changes(scope: Scope, wanted: Iterable[dict[str, Any]]) -> tuple[tuple[dict[str, Any], ...], tuple[Removal, ...]]:
    """What has to be applied, and what of ours has to be deleted. `wanted`: all that should be there, stamped. Objects of
    others are left alone, and one that is being deleted too: its end is an event, after which it is made again."""
    live = {_id(obj): obj for obj in scope.others}
    here = {key for key, obj in live.items() if "deletionTimestamp" not in obj["metadata"]}
    ours = {key for key in here if owned(scope, live[key])}
    taken = ours | {key for key in here if adoptable(scope, live[key])}
    asked = {_id(obj): obj for obj in wanted}
    objects = [obj for key, obj in asked.items() if key not in live or (key in taken and not _equal(obj, live[key]))]
    removals = [Removal(*key, uid=str(live[key]["metadata"]["uid"])) for key in sorted(ours - asked.keys())]
    return tuple(objects), tuple(removals)


def conflict(scope: Scope, wanted: Iterable[dict[str, Any]]) -> str | None:
    """The first wanted object whose name somebody else's has; None when there is none."""
    asked = {_id(obj) for obj in wanted}
    for obj in scope.others:
        ours = owned(scope, obj) or adoptable(scope, obj)
        # What is on its way out is waited for.
        if _id(obj) in asked and not ours and not earlier(scope, obj) and "deletionTimestamp" not in obj["metadata"]:
            return f'{obj["kind"]} "{obj["metadata"]["name"]}" belongs to somebody else'
    return None
