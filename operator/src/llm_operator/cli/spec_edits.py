"""Which fields of an edited spec make a change what it is: each edit is tried alone."""

import copy
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.errors import InvalidSpec
from llm_operator.change.differences import differences
from llm_operator.change.model import Change

_PART: Final = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_ORDER: Final = list(ChangeClass)

Spec = dict[str, Any]


def edits(old: Spec, new: Spec) -> list[str]:
    """Paths of the fields that differ: `spec.models[chat].scaling.minReplicas`. An order alone changes nothing."""
    return [path for path in differences(old, new, "spec") if not path.endswith(": the order")]


def _item(items: list[Any], key: str) -> int | None:
    """Place of an item by its name, or by its number where items have no names."""
    for i, item in enumerate(items):
        if isinstance(item, dict) and item.get("name") == key:
            return i
    return int(key) if key.isdigit() and int(key) < len(items) else None


def _child(node: Any, key: str, in_list: bool) -> Any:
    """None when there is none."""
    if isinstance(node, dict):
        return node.get(key)
    place = _item(node, key) if in_list and isinstance(node, list) else None
    return None if place is None else node[place]


def with_edit(old: Spec, new: Spec, path: str) -> Spec:
    """The old spec with one field (or one item of a list) of the new one."""
    parts = [(match[1] if match[1] is not None else match[2], match[1] is not None) for match in _PART.finditer(path)][
        1:
    ]
    made: Any = copy.deepcopy(old)
    node, source = made, new
    for (key, in_list), (_, list_below) in pairwise(parts):
        source = _child(source, key, in_list)
        below = _child(node, key, in_list)
        if below is None:  # a map or a list that only the new spec has
            below = node[key] = [] if list_below and isinstance(source, list) else {}
        node = below
    key, in_list = parts[-1]
    value = copy.deepcopy(_child(source, key, in_list))
    if isinstance(node, dict):
        node.pop(key, None)
        node |= {} if value is None else {key: value}
        return dict(made)
    place = _item(node, key)
    if place is None:
        node.append(value)
    elif value is None:
        del node[place]
    else:
        node[place] = value
    return dict(made)


def _class_of(change: Change, name: str) -> ChangeClass:
    """Of one application; one that comes or goes has the class of what that does."""
    found = {each.name: each.change_class for each in change.applications}
    if name in change.added or name in change.removed:
        return ChangeClass.IN_PLACE
    return found.get(name, ChangeClass.NONE)


def deciding(old: Spec, new: Spec, change: Change, change_of: Callable[[Spec], Change]) -> dict[str, tuple[str, ...]]:
    """Application → the fields of which each alone does to it what all of them do; all that differ where none does so
    alone. `change_of` may raise InvalidSpec: such a field belongs to others, and may be why."""
    paths = edits(old, new)
    alone: dict[str, Change | None] = {}
    for path in paths:
        try:
            alone[path] = change_of(with_edit(old, new, path))
        except InvalidSpec:
            alone[path] = None
    found: dict[str, tuple[str, ...]] = {}
    for each in change.applications:
        if each.change_class is ChangeClass.NONE:
            continue
        rank = _ORDER.index(each.change_class)
        why = tuple(
            path
            for path, made in alone.items()
            if made is not None and _ORDER.index(_class_of(made, each.name)) >= rank
        )
        found[each.name] = why or tuple(path for path, made in alone.items() if made is None) or tuple(paths)
    return found
