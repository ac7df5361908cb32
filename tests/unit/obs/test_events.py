"""The event recorder: one event per message, a count for repeats, a limit per object, and never an error."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from llm_operator.obs.events import BURST, REFILL_SECONDS, EventRecorder, event_name
from llm_operator.outcome import Event

PARENT = {"metadata": {"namespace": "llm", "name": "a", "uid": "u1"}}
READY = Event("Normal", "Serving", "Ready=True.")


class Exists(Exception):
    pass


class Api:
    def __init__(self) -> None:
        self.created: dict[str, dict[str, Any]] = {}
        self.patched: list[tuple[str, Any]] = []
        self.read: list[str] = []
        self.down = False

    async def create_event(self, event: dict[str, Any]) -> dict[str, Any]:
        if self.down:
            raise RuntimeError("down")
        if event["metadata"]["name"] in self.created:
            raise Exists
        self.created[event["metadata"]["name"]] = event
        return event

    async def get_event(self, namespace: str, name: str) -> dict[str, Any] | None:
        self.read.append(name)
        return self.created.get(name)

    async def patch_event(self, namespace: str, name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        if name not in self.created:
            raise RuntimeError("not found")
        self.created[name] |= patch
        self.patched.append((name, patch["series"]["count"]))
        return {}


class Setup:
    def __init__(self) -> None:
        self.api, self.time, self.results = Api(), 0.0, []  # type: ignore[var-annotated]

    def recorder(self) -> EventRecorder:
        return EventRecorder(
            self.api,
            identity="pod",
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            monotonic=lambda: self.time,
            is_conflict=lambda error: isinstance(error, Exists),
            count=self.results.append,
        )


async def test_event_has_what_the_api_asks_for() -> None:
    setup = Setup()
    await setup.recorder().record(PARENT, READY)
    (event,) = setup.api.created.values()
    assert event["metadata"] == {"name": event_name("a", "u1", READY), "namespace": "llm"}
    assert event["regarding"]["uid"] == "u1"
    wanted = ("2026-01-01T00:00:00.000000Z", "Normal", "Serving", "Reconcile", "pod")
    fields = ("eventTime", "type", "reason", "action", "reportingInstance")
    assert tuple(event[key] for key in fields) == wanted


async def test_the_same_message_raises_the_count() -> None:
    setup = Setup()
    recorder = setup.recorder()
    for _ in range(3):
        await recorder.record(PARENT, READY)
    name = event_name("a", "u1", READY)
    assert list(setup.api.created) == [name]
    assert setup.api.patched == [(name, 2), (name, 3)]


async def test_another_operator_or_a_restart_does_not_double_it() -> None:
    setup = Setup()
    await setup.recorder().record(PARENT, READY)
    await setup.recorder().record(PARENT, READY)
    assert len(setup.api.created) == 1
    assert setup.api.patched == [(event_name("a", "u1", READY), 2)]


async def test_a_series_goes_on_after_a_restart() -> None:
    setup, name = Setup(), event_name("a", "u1", READY)
    before = setup.recorder()
    for _ in range(5):
        await before.record(PARENT, READY)
    assert setup.api.read == [], "who made it knows the count"
    after = setup.recorder()
    assert setup.api.patched[-1] == (name, 5), "nothing happened, nothing is written"
    for _ in range(2):
        await after.record(PARENT, READY)
    assert setup.api.patched[-2:] == [(name, 6), (name, 7)]
    assert setup.api.read == [name], "once"


async def test_a_series_that_is_gone_when_it_is_read_is_made_anew_at_the_next_time() -> None:
    class Expiring(Api):
        async def get_event(self, namespace: str, name: str) -> dict[str, Any] | None:
            self.created.pop(name)
            return None

    setup = Setup()
    setup.api = Expiring()
    await setup.recorder().record(PARENT, READY)
    after = setup.recorder()
    for _ in range(3):
        await after.record(PARENT, READY)
    assert setup.results == ["sent", "failed", "sent", "sent"]
    assert setup.api.patched == [(event_name("a", "u1", READY), 2)]


async def test_an_event_that_expired_is_made_anew_at_the_next_time() -> None:
    setup = Setup()
    recorder = setup.recorder()
    await recorder.record(PARENT, READY)
    setup.api.created.clear()
    await recorder.record(PARENT, READY)
    await recorder.record(PARENT, READY)
    assert setup.results == ["sent", "failed", "sent"]


async def test_limit_per_object() -> None:
    setup = Setup()
    recorder = setup.recorder()
    for number in range(BURST + 5):
        await recorder.record(PARENT, Event("Normal", "Drift", f"note {number}"))
    assert len(setup.api.created) == BURST
    await recorder.record({"metadata": {"namespace": "llm", "name": "b", "uid": "u2"}}, READY)
    assert len(setup.api.created) == BURST + 1
    setup.time += REFILL_SECONDS
    await recorder.record(PARENT, READY)
    await recorder.record(PARENT, Event("Normal", "Drift", "one too many"))
    assert len(setup.api.created) == BURST + 2


async def test_failure_is_counted_not_raised() -> None:
    setup = Setup()
    setup.api.down = True
    await setup.recorder().record(PARENT, READY)
    assert setup.results == ["failed"]
