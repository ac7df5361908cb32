"""Weekly windows: which one is open now, and when the next one opens or closes. Pure: the clock comes in.

A day's window runs from `start` to `end` as clocks in the time zone show them. Where a clock is set forward over `start`,
the window opens at the time that the old offset would have given; where it is set back, it opens at the first and closes
at the second of the two equal times. Time zones: the `tzdata` package, not the machine's. Tests: tests/unit/plan/test_schedules.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

from llm_operator.api.checks.scaling import scalings
from llm_operator.api.errors import FieldError, did_you_mean
from llm_operator.api.spec.application import Application
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.scaling import Scaling, Schedule

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY: Final = timedelta(days=1)


@cache
def time_zones() -> frozenset[str]:
    """Names of all IANA time zones."""
    text = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(text.split())


@cache
def _zone(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _instant(day: date, clock: str, zone: ZoneInfo, fold: int) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), zone).replace(fold=fold).astimezone(UTC)


def windows(schedule: Schedule, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Start and end (UTC) of every window that is not over a week away."""
    zone = _zone(schedule.time_zone)
    today = now.astimezone(zone).date()
    over_midnight = schedule.end <= schedule.start
    for offset in range(-2, 9):
        day = today + offset * _DAY
        if _DAYS[day.weekday()] in schedule.days:
            end = day + _DAY if over_midnight else day
            yield _instant(day, schedule.start, zone, 0), _instant(end, schedule.end, zone, 1)


@dataclass(frozen=True, slots=True)
class Now:
    """A Scaling at one moment."""

    scaling: Scaling
    """With the bounds of the open window."""
    window: str
    """Its name; "" when none is open."""
    seconds: float | None
    """Until a window opens or closes next; None without schedules."""


def _bounds(scaling: Scaling, schedule: Schedule) -> tuple[int, int]:
    fewest = scaling.min_replicas if schedule.min_replicas is None else schedule.min_replicas
    return fewest, schedule.max_replicas or scaling.max_replicas or max(1, scaling.min_replicas, fewest)


def at(scaling: Scaling, now: datetime) -> Now:
    """What holds at `now` (aware)."""
    opened: Schedule | None = None
    changes: list[datetime] = []
    for schedule in scaling.schedules:
        for start, end in windows(schedule, now):
            changes += [moment for moment in (start, end) if moment > now]
            if start <= now < end and opened is None:
                opened = schedule
    seconds = (min(changes) - now).total_seconds() if changes else None
    if opened is None:
        return Now(scaling, "", seconds)
    fewest, most = _bounds(scaling, opened)
    initial = None if scaling.initial_replicas is None else min(max(scaling.initial_replicas, fewest), most)
    update = {"min_replicas": fewest, "max_replicas": most, "initial_replicas": initial}
    return Now(scaling.model_copy(update=update), opened.name, seconds)


def scalings_of(model: Model) -> tuple[Scaling, ...]:
    """That of the model, or those of its halves."""
    halves = model.disaggregation
    if halves is None:
        return (model.scaling,)
    return tuple(role.scaling or model.scaling for role in (halves.prefill, halves.decode))


def may_sleep(scaling: Scaling) -> bool:
    """Zero replicas may be wanted at some time of the week."""
    return scaling.min_replicas == 0 or any(schedule.min_replicas == 0 for schedule in scaling.schedules)


@dataclass(frozen=True, slots=True)
class InForce:
    """A spec at one moment."""

    spec: LLMDeploymentSpec
    """Every scaling with the bounds of its open window."""
    windows: Mapping[str, str]
    """Path of a scaling → name of its open window; "" when none is."""
    seconds: float | None
    """Until a window of any scaling opens or closes; None without schedules."""


def _replaced(model: Model, found: Mapping[str, Scaling], path: str) -> Model:
    update: dict[str, Any] = {"scaling": found[f"{path}.scaling"]}
    halves = model.disaggregation
    if halves is not None:
        roles = {
            name: role.model_copy(update={"scaling": found.get(f"{path}.disaggregation.{name}.scaling")})
            for name, role in (("prefill", halves.prefill), ("decode", halves.decode))
        }
        update["disaggregation"] = halves.model_copy(update=roles)
    return model.model_copy(update=update)


def _replaced_application(application: Application, found: Mapping[str, Scaling], path: str) -> Application:
    deployments = tuple(
        deployment.model_copy(update={"scaling": found.get(f"{path}.deployments[{k}].scaling")})
        for k, deployment in enumerate(application.deployments)
    )
    return application.model_copy(update={"deployments": deployments})


def _with_scalings(spec: LLMDeploymentSpec, found: Mapping[str, Scaling]) -> LLMDeploymentSpec:
    """`found`: one for each path of `scalings`."""
    update = {
        "models": tuple(_replaced(model, found, f"spec.models[{i}]") for i, model in enumerate(spec.models)),
        "applications": tuple(
            _replaced_application(application, found, f"spec.applications[{i}]")
            for i, application in enumerate(spec.applications)
        ),
    }
    return spec.model_copy(update=update)


def _widest(scaling: Scaling) -> Scaling:
    bounds = [(scaling.min_replicas, scaling.max_replicas or max(1, scaling.min_replicas))]
    bounds += [_bounds(scaling, schedule) for schedule in scaling.schedules]
    fewest, most = min(low for low, _ in bounds), max(high for _, high in bounds)
    return scaling.model_copy(update={"min_replicas": fewest, "max_replicas": most, "schedules": ()})


def widest(spec: LLMDeploymentSpec) -> LLMDeploymentSpec:
    """The spec without schedules, with the fewest and the most replicas of the whole week as bounds; for `explain`."""
    return _with_scalings(spec, {path: _widest(scaling) for path, scaling in scalings(spec)})


def in_force(spec: LLMDeploymentSpec, now: datetime) -> InForce:
    """The spec as it counts at `now`: the rest of the plan knows nothing of schedules."""
    moments = {path: at(scaling, now) for path, scaling in scalings(spec)}
    found = {path: moment.scaling for path, moment in moments.items()}
    waits = [moment.seconds for moment in moments.values() if moment.seconds is not None]
    return InForce(
        spec=_with_scalings(spec, found) if waits else spec,
        windows={path: moment.window for path, moment in moments.items()},
        seconds=min(waits, default=None),
    )


def check(path: str, scaling: Scaling) -> Iterator[FieldError]:
    """`path`: of the scaling. Time zones that do not exist, bounds that do not fit, windows that can never be open."""
    for i, schedule in enumerate(scaling.schedules):
        here = f"{path}.schedules[{i}]"
        if schedule.time_zone not in time_zones():
            hint = did_you_mean(schedule.time_zone, sorted(time_zones())) or "use an IANA name such as Europe/Berlin"
            yield FieldError(f"{here}.timeZone", f'unknown time zone "{schedule.time_zone}"; {hint}')
        if schedule.start == schedule.end and len(schedule.days) == len(_DAYS):
            yield FieldError(
                here, f"is always open ({schedule.start} to {schedule.end} every day): set scaling's own bounds"
            )
        fewest, most = _bounds(scaling, schedule)
        if fewest > most:
            said = "minReplicas" if schedule.min_replicas is not None else "maxReplicas"
            yield FieldError(
                f"{here}.{said}", f"minReplicas {fewest} would be greater than maxReplicas {most} in this window"
            )
