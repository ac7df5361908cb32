"""Windows of the week, in time zones with summer time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import llm
from hypothesis import given
from hypothesis import strategies as st
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.scaling import Scaling
from llm_operator.api.validation import validate
from llm_operator.plan.schedules import at, check, in_force, may_sleep, time_zones, widest

OFFICE = {
    "name": "office",
    "timeZone": "Europe/Berlin",
    "days": ["Mon", "Tue", "Wed", "Thu", "Fri"],
    "start": "08:00",
    "end": "18:30",
    "minReplicas": 2,
    "maxReplicas": 6,
}
NIGHT = {
    "name": "night",
    "timeZone": "Europe/Berlin",
    "days": ["Sat"],
    "start": "22:00",
    "end": "06:00",
    "minReplicas": 0,
}


def scaling(*schedules: dict[str, Any], **fields: Any) -> Scaling:
    return Scaling.model_validate({**fields, "schedules": list(schedules)})


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "window", "bounds", "next_change"),
    [
        # Berlin is UTC+1 in January, UTC+2 in July.
        ("2026-01-05T06:59:59Z", "", (1, 3), "2026-01-05T07:00:00Z"),
        ("2026-01-05T07:00:00Z", "office", (2, 6), "2026-01-05T17:30:00Z"),
        ("2026-01-05T17:29:59Z", "office", (2, 6), "2026-01-05T17:30:00Z"),
        ("2026-01-05T17:30:00Z", "", (1, 3), "2026-01-06T07:00:00Z"),
        ("2026-07-06T06:00:00Z", "office", (2, 6), "2026-07-06T16:30:00Z"),
        ("2026-07-06T05:59:59Z", "", (1, 3), "2026-07-06T06:00:00Z"),
        # Friday evening to Monday morning.
        ("2026-01-09T17:30:00Z", "", (1, 3), "2026-01-12T07:00:00Z"),
    ],
)
def test_office_hours(moment: str, window: str, bounds: tuple[int, int], next_change: str) -> None:
    now = at(scaling(OFFICE, minReplicas=1, maxReplicas=3), when(moment))
    assert now.window == window
    assert (now.scaling.min_replicas, now.scaling.max_replicas) == bounds
    assert now.seconds == (when(next_change) - when(moment)).total_seconds()


@pytest.mark.parametrize(
    ("moment", "window"),
    [
        ("2026-01-10T20:59:59Z", ""),
        ("2026-01-10T21:00:00Z", "night"),
        ("2026-01-11T04:59:59Z", "night"),  # Sunday, the window of Saturday
        ("2026-01-11T05:00:00Z", ""),
        ("2026-01-11T21:00:00Z", ""),  # Sunday evening is no Saturday
    ],
)
def test_over_midnight(moment: str, window: str) -> None:
    assert at(scaling(NIGHT), when(moment)).window == window


@pytest.mark.parametrize(
    ("start", "end", "moments"),
    [
        # 2026-03-29: Berlin's clocks go from 02:00 (UTC 01:00) to 03:00. 02:30 is never shown.
        ("02:30", "04:00", {"2026-03-29T01:29:59Z": "", "2026-03-29T01:30:00Z": "w", "2026-03-29T02:00:00Z": ""}),
        ("01:00", "02:30", {"2026-03-29T00:00:00Z": "w", "2026-03-29T00:29:59Z": "w", "2026-03-29T02:00:00Z": ""}),
        # 2026-10-25: from 03:00 (UTC 01:00) back to 02:00. 02:30 is shown twice: UTC 00:30 and 01:30.
        ("02:30", "04:00", {"2026-10-25T00:29:59Z": "", "2026-10-25T00:30:00Z": "w", "2026-10-25T02:59:59Z": "w", "2026-10-25T03:00:00Z": ""}),
        ("01:00", "02:30", {"2026-10-24T23:00:00Z": "w", "2026-10-25T00:30:00Z": "w", "2026-10-25T01:29:59Z": "w", "2026-10-25T01:30:00Z": ""}),
    ],
)  # fmt: skip
def test_clocks_that_are_changed(start: str, end: str, moments: dict[str, str]) -> None:
    window = {"name": "w", "timeZone": "Europe/Berlin", "start": start, "end": end, "minReplicas": 2}
    seen = {moment: at(scaling(window), when(moment)).window for moment in moments}
    assert seen == moments


def test_the_first_open_window_counts() -> None:
    wide = {"name": "wide", "start": "00:00", "end": "23:00", "maxReplicas": 9}
    now = when("2026-01-05T09:00:00Z")
    assert at(scaling(OFFICE, wide, maxReplicas=3), now).window == "office"
    assert at(scaling(wide, OFFICE, maxReplicas=3), now).window == "wide"


def test_what_a_window_does_not_say_stays() -> None:
    inside = at(scaling({**OFFICE, "minReplicas": 2, "maxReplicas": None}, maxReplicas=3), when("2026-01-05T09:00:00Z"))
    assert (inside.scaling.min_replicas, inside.scaling.max_replicas) == (2, 3)


def test_initial_replicas_stay_within_the_window() -> None:
    now = when("2026-01-05T09:00:00Z")
    assert at(scaling(OFFICE, maxReplicas=3, initialReplicas=1), now).scaling.initial_replicas == 2


def test_without_schedules_nothing_ever_changes() -> None:
    plain = scaling(maxReplicas=3)
    now = at(plain, when("2026-01-05T09:00:00Z"))
    assert (now.scaling, now.window, now.seconds) == (plain, "", None)


@given(moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), zone=st.sampled_from(sorted(time_zones())))
def test_nothing_changes_before_the_announced_moment(moment: datetime, zone: str) -> None:
    """In every time zone: just before it the same window, and it is never more than a week and a day away."""
    watched = scaling({**OFFICE, "timeZone": zone}, {**NIGHT, "timeZone": zone})
    now = moment.replace(tzinfo=UTC, microsecond=0)
    first = at(watched, now)
    assert first.seconds is not None
    assert 0 < first.seconds <= 8 * 86_400
    assert at(watched, now + timedelta(seconds=first.seconds - 1)).window == first.window


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {**OFFICE, "timeZone": "Europe/Berln"},
        {},
        '.timeZone: unknown time zone "Europe/Berln"; did you mean "Europe/Berlin"?',
    ),
    (
        {**OFFICE, "minReplicas": 7, "maxReplicas": None},
        {"maxReplicas": 4},
        ".minReplicas: minReplicas 7 would be greater than maxReplicas 4 in this window",
    ),
    (
        {**OFFICE, "minReplicas": None, "maxReplicas": 1},
        {"minReplicas": 2, "maxReplicas": 4},
        ".maxReplicas: minReplicas 2 would be greater than maxReplicas 1 in this window",
    ),
    (
        {"name": "w", "start": "08:00", "end": "08:00", "minReplicas": 1},
        {},
        ": is always open (08:00 to 08:00 every day): set scaling's own bounds",
    ),
]


@pytest.mark.parametrize(("schedule", "fields", "want"), REFUSED)
def test_refused(schedule: dict[str, Any], fields: dict[str, Any], want: str) -> None:
    assert [str(error) for error in check("s", scaling(schedule, **fields))] == [f"s.schedules[0]{want}"]


def test_accepted() -> None:
    assert not list(check("s", scaling(OFFICE, NIGHT)))


@pytest.mark.parametrize(
    ("made", "want"),
    [
        (scaling(OFFICE), False),
        (scaling(NIGHT), True),
        (scaling(OFFICE, minReplicas=0), True),
        (scaling(), False),
    ],
)
def test_may_sleep(made: Scaling, want: bool) -> None:
    assert may_sleep(made) is want


SPEC = (
    llm("a")
    .model(scaling={"minReplicas": 1, "maxReplicas": 3, "schedules": [OFFICE]})
    .add_model("b", scaling={"minReplicas": 2})
    .with_("spec.ray", {"image": "i"})
    .with_(
        "spec.applications",
        [
            {
                "name": "app",
                "importPath": "llm_serve_app.batch:build",
                "deployments": [
                    {"name": "Fixed", "replicas": 2},
                    {"name": "Scaled", "scaling": {"minReplicas": 1, "maxReplicas": 9, "schedules": [NIGHT]}},
                ],
            }
        ],
    )
)


def _spec() -> LLMDeploymentSpec:
    return validate("a", SPEC.object()["spec"])


def _bounds_of(spec: LLMDeploymentSpec) -> list[tuple[int, int | None] | None]:
    """Of the models, then of the application's deployments."""
    every = [model.scaling for model in spec.models]
    every += [deployment.scaling for app in spec.applications for deployment in app.deployments]  # type: ignore[misc]
    return [None if each is None else (each.min_replicas, each.max_replicas) for each in every]


@pytest.mark.parametrize(
    ("moment", "bounds", "windows", "next_change"),
    [
        ("2026-01-05T12:00:00Z", [(2, 6), (2, None), None, (1, 9)], {"office"}, "2026-01-05T17:30:00Z"),
        ("2026-01-10T22:00:00Z", [(1, 3), (2, None), None, (0, 9)], {"night"}, "2026-01-11T05:00:00Z"),
        ("2026-01-10T12:00:00Z", [(1, 3), (2, None), None, (1, 9)], set(), "2026-01-10T21:00:00Z"),
    ],
)
def test_models_and_applications_have_the_bounds_of_their_windows(
    moment: str, bounds: Any, windows: set[str], next_change: str
) -> None:
    found = in_force(_spec(), when(moment))
    assert _bounds_of(found.spec) == bounds
    assert set(filter(None, found.windows.values())) == windows
    assert found.seconds == (when(next_change) - when(moment)).total_seconds()


def test_the_widest_bounds_of_the_week() -> None:
    wide = widest(_spec())
    assert _bounds_of(wide) == [(1, 6), (2, 2), None, (0, 9)]
    assert all(not model.scaling.schedules for model in wide.models)
    none = widest(validate("a", llm("a").scaling(minReplicas=0).object()["spec"]))
    assert _bounds_of(none) == [(0, 1)]


def test_halves_have_the_bounds_of_their_own_windows() -> None:
    apart = {
        "prefill": {"scaling": {"minReplicas": 1, "maxReplicas": 2, "schedules": [OFFICE]}},
        "decode": {"scaling": {"minReplicas": 3, "maxReplicas": 4}},
    }
    made = validate("a", llm("a").model(disaggregation=apart).object()["spec"])
    halves = in_force(made, when("2026-01-05T12:00:00Z")).spec.models[0].disaggregation
    assert halves is not None
    assert [
        (role.scaling.min_replicas, role.scaling.max_replicas)
        for role in (halves.prefill, halves.decode)
        if role.scaling
    ] == [
        (2, 6),
        (3, 4),
    ]
