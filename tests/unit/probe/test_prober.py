"""The prober on a clock of its own: what becomes of a model that answers, is slow, breaks, comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from llm_operator.plan.inputs import Probed
from llm_operator.plan.probing import Ask, Target
from llm_operator.probe import prober as module
from llm_operator.probe.asking import Answer, Kind
from llm_operator.probe.prober import Prober
from llm_operator.probe.reachability import Reachability

KEY = ("llm", "chat")
REACH, CHECK, WARM = Ask("reach"), Ask("check"), Ask("warm")
FAST = Target("m", "chat-a", reach=CHECK, check=CHECK, warm=WARM)
OK, REFUSED = Answer(Kind.ANSWERED), Answer(Kind.FAILED, "connection refused")
SILENT, NO_NAME = (
    Answer(Kind.SILENT, "no answer in time"),
    Answer(Kind.UNKNOWN_NAME, "the Service's name does not resolve"),
)
PERIOD = 0.05


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Fails when it does not become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        await asyncio.sleep(0.005)


class Models:
    """Answers as told; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.takes: dict[str, float] = {}
        self.limits: list[float] = []

    async def ask(self, ask: Ask, *, seconds: float) -> Answer:
        self.asked.append(ask.url)
        self.limits.append(seconds)
        await asyncio.sleep(self.takes.get(ask.url, 0))
        return self.answers.get(ask.url, OK)


class Inside(Reachability):
    """Names resolve."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.inside = True

    async def wait_inside(self) -> None:
        return


class Running:
    """A prober at work, with what it told the queue."""

    def __init__(self) -> None:
        self.models = Models()
        self.told: list[tuple[str, str]] = []
        self.prober = Prober(self.models, self.told.append, reachability=Inside(), period=PERIOD)
        self.task: asyncio.Task[None] | None = None

    def watch(self, *targets: Target) -> None:
        self.prober.watch(KEY, targets)

    @property
    def result(self) -> Probed | None:
        return (self.prober.results(KEY) or {}).get("m")

    async def until(self, condition: Callable[[], Any]) -> None:
        await until(condition)


@pytest.fixture
async def running() -> Any:
    made = Running()
    made.task = asyncio.create_task(made.prober.run())
    yield made
    made.task.cancel()
    await asyncio.gather(made.task, return_exceptions=True)


async def test_it_is_reached_then_warmed_then_checked(running: Running) -> None:
    running.models.takes["warm"] = 0.1
    running.watch(replace(FAST, reach=REACH))
    await running.until(lambda: running.result)
    assert running.result == Probed("chat-a", served=False, warming=True)
    await running.until(lambda: running.result == Probed("chat-a", served=True))
    await running.until(lambda: running.models.asked.count("check") >= 2)
    assert running.models.asked[:3] == ["reach", "warm", "check"]
    assert running.models.asked.count("warm") == 1
    assert running.told == [KEY, KEY]


async def test_each_replica_gets_a_first_request(running: Running) -> None:
    running.watch(replace(FAST, copies=3))
    await running.until(lambda: running.result and running.result.served)
    assert running.models.asked.count("warm") == 3


async def test_what_was_served_before_is_only_checked(running: Running) -> None:
    running.watch(replace(FAST, known=True))
    await running.until(lambda: running.result)
    assert running.result == Probed("chat-a", served=True)
    assert "warm" not in running.models.asked


@pytest.mark.parametrize(("answer", "asked"), [(REFUSED, 2), (SILENT, 1)])
async def test_a_lost_engine_is_said_and_must_warm_up_again(running: Running, answer: Answer, asked: int) -> None:
    """An error is asked for twice; silence has lasted long enough."""
    running.watch(replace(FAST, known=True, reach=REACH))
    await running.until(lambda: running.result and running.result.served)
    running.models.asked.clear()
    running.models.answers = {"check": answer, "reach": REFUSED}
    await running.until(lambda: running.result and not running.result.served)
    assert running.result == Probed("chat-a", served=False, error=answer.error)
    assert asked <= running.models.asked.count("check") <= asked + 1
    running.models.answers = {}
    await running.until(lambda: running.result and running.result.served)
    assert running.models.asked.count("warm") == 1


async def test_one_failure_is_none(running: Running) -> None:
    running.watch(replace(FAST, known=True))
    await running.until(lambda: running.result and running.result.served)
    told = len(running.told)
    running.models.answers = {"check": REFUSED}
    await running.until(lambda: running.models.asked[-1:] == ["check"] and running.models.asked)
    seen = len(running.models.asked)
    await running.until(lambda: len(running.models.asked) > seen)
    running.models.answers = {}
    seen = len(running.models.asked)
    await running.until(lambda: len(running.models.asked) > seen + 2)
    assert running.result == Probed("chat-a", served=True)
    assert len(running.told) == told


async def test_the_first_error_stands_until_it_answers(running: Running) -> None:
    """What follows are its consequences, and every change of words is a write of the status."""
    running.models.answers = {"check": REFUSED}
    running.watch(FAST)
    await running.until(lambda: running.result)
    running.models.answers = {"check": Answer(Kind.FAILED, "HTTP status 503")}
    seen = len(running.models.asked)
    await running.until(lambda: len(running.models.asked) > seen + 3)
    assert running.result == Probed("chat-a", served=False, error="connection refused")
    assert running.told == [KEY]


async def test_another_cluster_is_another_engine(running: Running) -> None:
    running.watch(FAST)
    await running.until(lambda: running.result and running.result.served)
    running.models.takes["warm"] = 0.1
    running.watch(replace(FAST, cluster="chat-b"))
    assert running.result is None
    await running.until(lambda: running.result)
    assert running.result == Probed("chat-b", served=False, warming=True)


async def test_what_is_no_longer_watched_is_left_alone(running: Running) -> None:
    running.watch(FAST)
    await running.until(lambda: running.result and running.result.served)
    running.watch()
    assert running.result is None
    await asyncio.sleep(PERIOD)  # one that was under way may end
    seen = len(running.models.asked)
    await asyncio.sleep(4 * PERIOD)
    assert len(running.models.asked) == seen


async def test_a_slow_model_is_given_time(running: Running) -> None:
    running.watch(replace(FAST, known=True))
    running.models.takes["check"] = 0.01
    await running.until(lambda: len(running.models.limits) > 2)
    assert running.models.limits[-1] == 2.0


@pytest.mark.parametrize(("dns_works", "told"), [(False, []), (True, [KEY])])
async def test_broken_dns_is_not_the_models_fault(
    running: Running, monkeypatch: pytest.MonkeyPatch, dns_works: bool, told: list[Any]
) -> None:
    async def resolves(name: str = "") -> bool:
        return dns_works

    monkeypatch.setattr(module, "resolves", resolves)
    running.models.answers = {"check": NO_NAME}
    running.watch(FAST)
    await running.until(lambda: len(running.models.asked) > 1)
    assert running.told == told


async def test_the_total_rate_is_bounded() -> None:
    prober = Prober(Models(), lambda _: None, reachability=Inside())
    assert prober.period == module.PERIOD_SECONDS
    for number in range(10_000):
        prober.watch(("llm", f"m{number}"), [FAST])
    assert prober.period == 10_000 / module.MOST_PER_SECOND


async def test_outside_of_the_cluster_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[bool] = []

    async def resolves(name: str = "") -> bool:
        return False

    monkeypatch.setattr("llm_operator.probe.reachability.resolves", resolves)
    prober = Prober(models := Models(), lambda _: None, reachability=Reachability(said.append))
    assert prober.results(KEY) == {}
    task = asyncio.create_task(prober.run())
    prober.watch(KEY, _targets(FAST))
    await until(lambda: said)
    assert prober.results(KEY) is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (said, models.asked) == ([False], [])


def _targets(*targets: Target) -> Iterable[Target]:
    return targets
