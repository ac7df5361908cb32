"""Paths at which two JSON values differ, in both directions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_EMPTY: Final[tuple[Any, ...]] = ({}, [], None)
_NAMES: Final = ("groupName", "name")


def differences(before: Any, after: Any, path: str = "", *, exact: bool = False) -> Iterator[str]:
    """An empty map or list, or null, is as good as none, as for Go's types; but not if `exact`. Items of a list are known by
    their name where they have one, and so are keys with a dot: `labels[app.kubernetes.io/name]`. `1`, `1.0` and `true` are
    three values: Ray hashes JSON text."""
    if _same(before, after):
        return
    if _are(Mapping, before, after, exact):
        yield from _of_maps(before or {}, after or {}, path, exact)
    elif _are(list, before, after, exact):
        yield from _of_lists(before or [], after or [], path, exact)
    else:
        yield path


def _same(before: Any, after: Any) -> bool:
    """As JSON texts. Most of what is compared is the same, and this is the quick way to see it: it runs in C."""
    if (
        isinstance(before, dict | list | Mapping)
        or isinstance(after, dict | list | Mapping)
        or type(before) is not type(after)
    ):
        return json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    return bool(before == after)


def _are(kind: type, before: Any, after: Any, exact: bool) -> bool:
    """Both, or one of them when the other is nothing."""
    sides = [side for side in (before, after) if side is not None or exact]
    return bool(sides) and all(isinstance(side, kind) for side in sides)


def _under(path: str, key: str) -> str:
    if "." in key:
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _of_maps(before: Mapping[str, Any], after: Mapping[str, Any], path: str, exact: bool) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        here, old, new = _under(path, str(key)), before.get(key), after.get(key)
        if exact and (key in before) != (key in after):
            value = old if key in before else new
            found = list(differences({}, value, here, exact=True)) if isinstance(value, Mapping) else []
            yield from found or [here]
        elif exact or old not in _EMPTY or new not in _EMPTY:
            yield from differences(old, new, here, exact=exact)


def names(items: Sequence[Any]) -> list[str] | None:
    """Names of the items of a list; None where not each has one of its own."""
    for key in _NAMES:
        found = [str(item[key]) for item in items if isinstance(item, Mapping) and key in item]
        if len(found) == len(items) == len(set(found)):
            return found
    return None


def _of_lists(before: list[Any], after: list[Any], path: str, exact: bool) -> Iterator[str]:
    old, new = names(before), names(after)
    if old is None or new is None:
        yield from _of_rows(before, after, path, exact)
        return
    olds, news = dict(zip(old, before, strict=True)), dict(zip(new, after, strict=True))
    for name in [*old, *(name for name in new if name not in olds)]:
        if name in olds and name in news:
            yield from differences(olds[name], news[name], f"{path}[{name}]", exact=exact)
        else:
            yield f"{path}[{name}]"
    if [name for name in old if name in news] != [name for name in new if name in olds]:
        yield f"{path}: the order"


def _of_rows(before: list[Any], after: list[Any], path: str, exact: bool) -> Iterator[str]:
    if len(before) != len(after):
        yield path
        return
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        yield from differences(old, new, f"{path}[{i}]", exact=exact)
