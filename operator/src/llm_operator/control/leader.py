"""Leader election by a Lease, as in client-go: compare-and-swap, the observer's own monotonic clock, exit on loss.

Two never write at a time. Let the leader's last renewal be sent at 0. It sends no write after `renew_deadline` (fence), and at
that moment its workers are cancelled with the requests that they have in flight, whatever their timeout. The API server stored the
renewal after 0, another replica saw it later still, and takes the Lease `duration` after that: `duration - renew_deadline` is left
for a request that is on its way. Only differences of one process's monotonic clock are used.

A leader that is killed right after a renewal is followed after `duration` and at most one pause (1.2 x `retry`), in which the
other replica did not know the renewal yet: by default 14.4 s, and the time of the requests.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from llm_operator.kube.client import Cluster, Manifest
from llm_operator.kube.errors import ApiError, Conflict, NotLeader

_RELEASED_SECONDS: Final = 1
_logger = logging.getLogger(__name__)


class LeadershipLost(Exception):
    """The Lease could not be renewed in time, or another process has it. The process must exit: that is the fence."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds; retry < renew_deadline < duration."""

    duration: float
    renew_deadline: float
    retry: float


class Elector:
    """Wall clocks of different machines are never compared: a Lease counts as expired when *we* saw no change of it for
    its duration. `on_change` is told when we become (True) or stop being (False) the leader."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        name: str,
        identity: str,
        times: LeaseTimes,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        on_change: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._namespace, self._name, self._identity, self._times = namespace, name, identity, times
        self._monotonic, self._now, self._jitter, self._on_change = monotonic, now, jitter, on_change
        self._seen_version: str | None = None
        self._seen_at = 0.0
        self._free_at = 0.0
        self._renewed_at: float | None = None
        self.leading = asyncio.Event()

    def still_leader(self) -> bool:
        """Whether a write is safe now: our last renewal was *sent* less than the renew deadline ago."""
        return self._renewed_at is not None and self._monotonic() - self._renewed_at < self._times.renew_deadline

    def fence(self) -> None:
        """Raises NotLeader unless a write is safe now."""
        if not self.still_leader():
            raise NotLeader

    async def run(self) -> None:
        """Waits for the Lease, then keeps it. Ends only by LeadershipLost or by cancellation."""
        while not await self._try(self._times.renew_deadline):
            await self._pause(until=self._free_at)
        self.leading.set()
        self._on_change(True)
        _logger.info("this replica is the leader now: %s", self._identity)
        try:
            while True:
                await self._pause(until=self._deadline())
                left = self._deadline() - self._monotonic()
                if left > 0 and await self._try(left):
                    continue
                if not self.still_leader():
                    raise LeadershipLost(f"Lease {self._namespace}/{self._name} is not ours any more")
        finally:
            self.leading.clear()
            self._on_change(False)

    async def release(self) -> None:
        """Gives the Lease up if it is ours, so that the next leader need not wait. Errors are logged only."""
        was_leader, self._renewed_at = self.still_leader(), None
        if not was_leader:
            return
        try:
            try:
                await self._give_up()
            except Conflict:  # a renewal that was still on its way has arrived
                await self._give_up()
        except ApiError as error:
            _logger.warning("the Lease was not released, the next leader waits for its end: %s", error)

    async def _give_up(self) -> None:
        lease = await self._cluster.get_lease(self._namespace, self._name)
        if lease is None or lease["spec"].get("holderIdentity") != self._identity:
            return
        lease["spec"] |= {
            "holderIdentity": "",
            "leaseDurationSeconds": _RELEASED_SECONDS,
            "renewTime": self._time(),
        }
        await self._cluster.update_lease(lease)
        _logger.info("the Lease is released")

    def _deadline(self) -> float:
        """When we may write no more, by our clock."""
        return (self._renewed_at or 0.0) + self._times.renew_deadline

    async def _pause(self, *, until: float) -> None:
        """Until the next try, but not past `until` if that is still to come: the moment at which something is to be done."""
        pause, left = self._times.retry * (1 + 0.2 * self._jitter()), until - self._monotonic()
        await asyncio.sleep(min(pause, left) if left > 0 else pause)

    async def _try(self, seconds: float) -> bool:
        """One attempt to take or renew within that time; False when it failed or the Lease is someone else's. It takes at most
        half of the deadline: another request may get through where one connection hangs."""
        try:
            async with asyncio.timeout(min(seconds, self._times.renew_deadline / 2)):
                return await self.attempt()
        except Conflict:
            return False
        except TimeoutError:
            _logger.warning("the Lease request took too long")
            return False
        except ApiError as error:
            _logger.warning("cannot get or renew Lease %s/%s: %s", self._namespace, self._name, error)
            return False

    async def attempt(self) -> bool:
        """Takes or renews the Lease once; False when another process holds it. Raises ApiError (Conflict: it was faster)."""
        sent_at = self._monotonic()
        lease = await self._cluster.get_lease(self._namespace, self._name)
        if lease is None:
            answer = await self._cluster.create_lease(self._fresh())
            return self._won(answer, sent_at)
        self._observe(lease)
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity):
            # No mercy for a former leader: if someone else holds it, we lost it, whatever our clock says.
            self._renewed_at = None
            self._free_at = self._seen_at + float(spec.get("leaseDurationSeconds") or self._times.duration)
            if self._monotonic() < self._free_at:
                return False
        answer = await self._cluster.update_lease({**lease, "spec": self._spec(spec, holder)})
        return self._won(answer, sent_at)

    def _won(self, lease: Manifest, sent_at: float) -> bool:
        self._observe(lease)
        self._renewed_at = sent_at
        return True

    def _observe(self, lease: Manifest) -> None:
        version = lease["metadata"].get("resourceVersion")
        if version != self._seen_version:
            self._seen_version, self._seen_at = version, self._monotonic()

    def _spec(self, old: dict[str, Any], holder: str) -> dict[str, Any]:
        mine = holder == self._identity
        now = self._time()
        transitions = int(old.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._times.duration)),
            "acquireTime": old.get("acquireTime", now) if mine else now,
            "renewTime": now,
            "leaseTransitions": transitions if mine else transitions + 1,
        }

    def _fresh(self) -> Manifest:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {**self._spec({}, self._identity), "leaseTransitions": 0},
        }

    def _time(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class AlwaysLeader:
    """Stands in for the Elector when leader election is off."""

    def __init__(self, on_change: Callable[[bool], None] = lambda _: None) -> None:
        self.leading = asyncio.Event()
        self.leading.set()
        on_change(True)

    def fence(self) -> None:
        """Every write is safe."""

    async def run(self) -> None:
        """Never ends."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """Nothing to release."""
