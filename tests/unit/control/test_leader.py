"""The Lease: compare-and-swap, our own clock, fencing. Times by a fake clock; `run` is in tests/contract."""

import asyncio
import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from llm_operator.config import Config
from llm_operator.control.leader import Elector, LeadershipLost, LeaseTimes
from llm_operator.kube.errors import Conflict, NotLeader, Unavailable


class Leases:
    """One Lease in memory."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.down = False
        self.before_update: Any = None

    async def get_lease(self, namespace: str, name: str) -> dict[str, Any] | None:
        if self.down:
            raise Unavailable(0, "ConnectionFailed", "down")
        return copy.deepcopy(self.lease)

    async def create_lease(self, lease: dict[str, Any]) -> dict[str, Any]:
        if self.lease is not None:
            raise Conflict(409, "AlreadyExists", "")
        return self._keep(lease, 1)

    async def update_lease(self, lease: dict[str, Any]) -> dict[str, Any]:
        if self.before_update is not None:
            self.before_update()
        assert self.lease is not None
        version = self.lease["metadata"]["resourceVersion"]
        if lease["metadata"]["resourceVersion"] != version:
            raise Conflict(409, "Conflict", "")
        return self._keep(lease, int(version) + 1)

    def _keep(self, lease: dict[str, Any], version: int) -> dict[str, Any]:
        self.lease = {**copy.deepcopy(lease), "metadata": {**lease["metadata"], "resourceVersion": str(version)}}
        return copy.deepcopy(self.lease)

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        return dict(self.lease["spec"])


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def leases() -> Leases:
    return Leases()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """asyncio.sleep takes no time but moves the fake clock."""
    yield_once = asyncio.sleep

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        await yield_once(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)


def default_times() -> LeaseTimes:
    config = Config.from_environment({})
    return LeaseTimes(config.lease_seconds, config.renew_deadline_seconds, config.lease_retry_seconds)


TIMES = LeaseTimes(15, 10, 2)


def elector(leases: Leases, clock: Clock, identity: str, times: LeaseTimes = TIMES, jitter: float = 0.0) -> Elector:
    return Elector(
        leases,  # type: ignore[arg-type]
        namespace="system",
        name="llm-operator",
        identity=identity,
        times=times,
        monotonic=clock,
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        jitter=lambda: jitter,
    )


async def test_first_takes_it_and_second_waits_a_full_duration_of_silence(leases: Leases, clock: Clock) -> None:
    first, second = elector(leases, clock, "a"), elector(leases, clock, "b")
    assert await first.attempt()
    clock.now += 100
    # It sees the Lease for the first time: how old the entry is by its own clock says nothing.
    assert not await second.attempt()
    clock.now += 14
    assert not await second.attempt()
    clock.now += 2
    assert await second.attempt()
    assert (leases.spec["holderIdentity"], leases.spec["leaseTransitions"]) == ("b", 1)


async def test_a_renewed_lease_is_not_taken(leases: Leases, clock: Clock) -> None:
    first, second = elector(leases, clock, "a"), elector(leases, clock, "b")
    for _ in range(10):
        assert await first.attempt()
        assert not await second.attempt()
        clock.now += 10
    assert leases.spec["leaseTransitions"] == 0


async def test_renewal_keeps_the_time_of_acquisition(leases: Leases, clock: Clock) -> None:
    first = elector(leases, clock, "a")
    await first.attempt()
    acquired = leases.spec["acquireTime"]
    clock.now += 5
    assert await first.attempt()
    assert leases.spec["acquireTime"] == acquired


async def test_fence_closes_after_the_renew_deadline(leases: Leases, clock: Clock) -> None:
    first = elector(leases, clock, "a")
    with pytest.raises(NotLeader):
        first.fence()
    await first.attempt()
    clock.now += 9.9
    first.fence()
    clock.now += 0.2
    with pytest.raises(NotLeader):
        first.fence()


async def test_fence_counts_from_when_the_renewal_was_sent(leases: Leases, clock: Clock) -> None:
    first = elector(leases, clock, "a")
    await first.attempt()

    def slow() -> None:
        clock.now += 9

    leases.before_update = slow
    await first.attempt()
    clock.now += 2
    assert not first.still_leader()


async def test_who_sees_another_holder_stops_writing_at_once(leases: Leases, clock: Clock) -> None:
    first = elector(leases, clock, "a")
    await first.attempt()
    assert leases.lease is not None
    leases.lease["spec"]["holderIdentity"] = "b"
    leases.lease["metadata"]["resourceVersion"] = "7"
    assert not await first.attempt()
    assert not first.still_leader()


async def test_of_two_who_try_at_once_one_wins(leases: Leases, clock: Clock) -> None:
    first, second = elector(leases, clock, "a"), elector(leases, clock, "b")
    await elector(leases, clock, "old").attempt()
    assert not await first.attempt()
    assert not await second.attempt()
    clock.now += 16

    def overtaken() -> None:
        leases.before_update = None
        assert leases.lease is not None
        leases.lease["metadata"]["resourceVersion"] = "99"

    leases.before_update = overtaken
    with pytest.raises(Conflict):
        await first.attempt()
    assert not first.still_leader()


async def test_release_lets_the_next_one_in_at_once(leases: Leases, clock: Clock) -> None:
    first, second = elector(leases, clock, "a"), elector(leases, clock, "b")
    await first.attempt()
    await first.release()
    assert not first.still_leader()
    assert await second.attempt()


async def test_release_leaves_the_lease_of_another_alone(leases: Leases, clock: Clock) -> None:
    first = elector(leases, clock, "a")
    await first.attempt()
    assert leases.lease is not None
    leases.lease["spec"]["holderIdentity"] = "b"
    await first.release()
    assert leases.spec["holderIdentity"] == "b"


async def test_release_is_tried_again_after_a_renewal_that_was_on_its_way(leases: Leases, clock: Clock) -> None:
    """Its answer is not waited for at the end of the process."""
    first, second = elector(leases, clock, "a"), elector(leases, clock, "b")
    await first.attempt()

    def renewed() -> None:
        leases.before_update = None
        assert leases.lease is not None
        leases.lease["metadata"]["resourceVersion"] = "77"

    leases.before_update = renewed
    await first.release()
    assert leases.spec["holderIdentity"] == ""
    assert await second.attempt()


async def test_release_survives_an_api_server_that_is_down(leases: Leases, clock: Clock) -> None:
    first = elector(leases, clock, "a")
    await first.attempt()
    leases.down = True
    await first.release()
    assert not first.still_leader()


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
@pytest.mark.usefixtures("sleeps")
async def test_a_killed_leader_is_followed_within_one_pause_after_its_lease(
    leases: Leases, clock: Clock, jitter: float
) -> None:
    times = default_times()
    leader, standby = elector(leases, clock, "a", times), elector(leases, clock, "b", times, jitter)
    await leader.attempt()
    assert not await standby.attempt()
    await leader.attempt()  # its last: the standby does not know it until its next look, so this is the worst moment
    killed_at = clock.now
    running = asyncio.create_task(standby.run())
    await standby.leading.wait()
    took = clock.now - killed_at
    running.cancel()
    assert times.duration <= took <= times.duration + 1.2 * times.retry + 0.01
    assert took <= 17  # issue: no gap of more


@pytest.mark.usefixtures("sleeps")
async def test_a_leader_ends_at_its_renew_deadline_and_not_a_pause_later(leases: Leases, clock: Clock) -> None:
    times = LeaseTimes(12, 9, 2)  # no multiple of the pause
    renewed_at = clock.now

    def down() -> None:
        raise Unavailable(0, "ConnectionFailed", "down")

    leases.before_update = down  # it is made, and never renewed
    with pytest.raises(LeadershipLost):
        await elector(leases, clock, "a", times).run()
    assert clock.now - renewed_at == pytest.approx(times.renew_deadline)
