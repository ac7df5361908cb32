"""Building one of Ray's objects, with what it refuses as problems."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from llm_serve_app.problem import Problem, did_you_mean

# What Ray's classes raise for a wrong value; NotImplementedError comes through pydantic's validators.
REFUSALS = (ValueError, TypeError, NotImplementedError, ImportError, AttributeError, AssertionError)


def attempt(path: str, build: Callable[[], Any]) -> list[Problem]:
    """Problems that `build` raises; pydantic's locations become paths. Unknown keys are left to `unknown_keys`."""
    try:
        build()
    except ValidationError as error:
        return [from_pydantic(path, detail) for detail in error.errors() if detail["type"] != "extra_forbidden"]
    except REFUSALS as error:
        return [Problem(path, str(error))]
    return []


def from_pydantic(path: str, detail: Mapping[str, Any]) -> Problem:
    """One of `ValidationError.errors()` as a problem below `path`."""
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return Problem(path.lstrip("."), message)


def unknown(value: Mapping[str, Any], allowed: Iterable[str], path: str) -> list[Problem]:
    """The keys of `value` that are not in `allowed`."""
    names = list(allowed)
    return [
        Problem(f"{path}.{key}", f"unknown key{did_you_mean(str(key), names)}") for key in value if key not in names
    ]


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` when it is a mapping, else an empty one: for looking into a document whose shape the schema checks."""
    return value if isinstance(value, Mapping) else {}
