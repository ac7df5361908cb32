"""Strict settings of an application: the `args` of its builder and the `user_config` of its deployments."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from llm_serve_app.problem import Problem, did_you_mean

logger = logging.getLogger("ray.serve")  # so that the line lands in the replica's log


class Settings(BaseModel):
    """A group of settings. An unknown key and a value of another type (a number as text) are errors, never dropped."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def conflicts(self, args: Any) -> Iterator[tuple[str, str]]:
        """For a `user_config`: (path below it, message) for each thing that does not fit the application's `args`."""
        yield from ()


class InvalidSettings(ValueError):
    """Settings are not usable; `problems` says where and what would be right."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))


SettingsT = TypeVar("SettingsT", bound=Settings)


def parse(cls: type[SettingsT], value: Any, path: str, args: Settings | None = None) -> SettingsT:
    """`value` as settings of `cls`; raises InvalidSettings. With `args` a `user_config` must fit them as well."""
    if not isinstance(value, Mapping):
        raise InvalidSettings([Problem(path, f"must be a mapping, but is {type(value).__name__}")])
    try:
        settings = cls.model_validate(dict(value))
    except ValidationError as error:
        raise InvalidSettings([_problem(cls, detail, path) for detail in error.errors()]) from None
    if args is not None and (found := [Problem(f"{path}.{at}", text) for at, text in settings.conflicts(args)]):
        raise InvalidSettings(found)
    return settings


def reconfigured(current: SettingsT, user_config: Any, args: Settings | None = None) -> SettingsT:
    """The settings that a new `user_config` stands for; keys that it leaves out have their defaults.

    A bad one is logged and `current` stays: an exception in `reconfigure` would make Serve kill this replica and every
    one after it, so one wrong number would take the application down (seen on Ray 2.60).
    """
    try:
        return parse(type(current), {} if user_config is None else user_config, "user_config", args)
    except InvalidSettings as error:
        logger.error("%s; the settings stay %s", error, current.model_dump())
        return current


def _problem(cls: type[BaseModel], detail: Mapping[str, Any], path: str) -> Problem:
    *parents, last = detail["loc"] or ("",)
    at = path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return Problem(at, f"unknown key{did_you_mean(str(last), [] if parents else cls.model_fields)}")
    return Problem(at, detail["msg"].removeprefix("Value error, "))
