"""What of a wanted object is missing or different in the live one. Fields that others set are none of our business."""

from collections.abc import Iterator, Mapping
from typing import Any


def differences(wanted: Any, live: Any, path: str = "") -> Iterator[str]:
    """Paths at which `live` does not hold what `wanted` says. Lists, but for owners, are compared item by item:
    as atomic lists, they are replaced as a whole by an apply."""
    if wanted == live:
        return
    if isinstance(wanted, Mapping):
        if not isinstance(live, Mapping):
            yield path
            return
        for key, value in wanted.items():
            here = f"{path}.{key}" if path else str(key)
            if key not in live:
                # An API server does not store empty maps of some typed fields.
                if value not in ({}, [], None):
                    yield here
            else:
                yield from differences(value, live[key], here)
    elif isinstance(wanted, list):
        yield from _of_list(wanted, live, path)
    else:
        yield path


def _of_list(wanted: list[Any], live: Any, path: str) -> Iterator[str]:
    if path == "metadata.ownerReferences" and isinstance(live, list):
        # Merged by uid: owners that others added stay.
        if any(owner not in live for owner in wanted):
            yield path
    elif not isinstance(live, list) or len(live) != len(wanted):
        yield path
    else:
        for i, (left, right) in enumerate(zip(wanted, live, strict=True)):
            yield from differences(left, right, f"{path}[{i}]")
