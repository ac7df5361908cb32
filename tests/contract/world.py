"""One cluster of one case: the fake API server, operators, and a kubelet that starts them again when they end."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from contract.operator_process import PATIENCE_SECONDS, SAFE_LEASE, OperatorProcess, until
from contract.scenario import LEASE
from contract.server import FakeServer
from contract.zygote import Zygote

CLOCK_RATE = 12
"""The operators' wall clock runs so much faster: what takes seconds or minutes by it can be waited for."""
PATIENT = {
    **SAFE_LEASE,
    "DISCOVERY_SECONDS": "0.2",
    "RESYNC_SECONDS": "0.3",
    "BACKOFF_MIN_SECONDS": "0.1",
    "BACKOFF_MAX_SECONDS": "1",
    "REQUEST_TIMEOUT_SECONDS": "10",
    "PROBES": "off",
    "CONTRACT_CLOCK_RATE": str(CLOCK_RATE),
}
_RESTARTS = 20


class World:
    """Made by `world()`."""

    def __init__(self, zygote: Zygote, server: FakeServer, folder: Path) -> None:
        self.zygote, self.server, self.folder = zygote, server, folder
        self.operators: dict[str, OperatorProcess] = {}
        self.leaving: dict[str, OperatorProcess] = {}
        """Told to end; nobody starts them again."""
        self.exits: list[int] = []
        self._kubelets: list[asyncio.Task[None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, identity: str = "a", **settings: str) -> OperatorProcess:
        """Starts an operator, and again whenever it ends, with the same name (as a container of the same pod)."""
        operator = OperatorProcess(self.zygote, self.server, self.folder, identity, **{**PATIENT, **settings})
        await operator.start()
        self.operators[identity] = operator
        self._kubelets.append(asyncio.create_task(self._kubelet(operator), name=f"kubelet {identity}"))
        return operator

    async def stop(self, identity: str) -> int:
        """As a pod that is deleted: SIGTERM, and it does not come back."""
        return await self.operators.pop(identity).stop()

    def signal(self, identity: str, number: signal.Signals) -> None:
        """Sends a signal to that operator."""
        self.operators[identity].send(number)

    async def kill(self, identity: str) -> None:
        """SIGKILL; returns when the process is dead. The kubelet starts another one."""
        ended = len(self.exits)
        self.operators[identity].send(signal.SIGKILL)
        await until(lambda: len(self.exits) > ended, what=f"{identity} is dead", every=0.002)

    def holder(self) -> str:
        """Who holds the Lease."""
        lease = self.server.objects.get(LEASE) or {"spec": {}}
        return str(lease["spec"].get("holderIdentity") or "")

    def steal(self, thief: str = "thief", seconds: int = 1) -> None:
        """Somebody else takes the Lease, for so long."""
        lease = self.server.objects.get(LEASE)
        assert lease is not None
        del lease["metadata"]["resourceVersion"]
        spec = {**lease["spec"], "holderIdentity": thief, "leaseDurationSeconds": seconds}
        self.server.objects.replace("leases", {**lease, "spec": spec})

    def expire(self) -> None:
        """The Lease's time passes: whoever else watches it sees it end, in a second instead of in minutes."""
        self.server.objects.merge_patch(LEASE, {"spec": {"leaseDurationSeconds": 1}})

    async def settled(self) -> None:
        """Returns when the leader re-synced twice completely since the last write: nobody has anything to write."""
        end = time.monotonic() + PATIENCE_SECONDS
        known, since = -1, 0
        while time.monotonic() < end:
            done = self._resyncs()
            if (writes := len(self.server.journal)) != known:
                known, since = writes, done
            # A list of names is at the start, the middle or the end of a re-sync: of three, two are complete between.
            if done >= since + 4:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the operator writes on and on, or does not re-sync")

    def _resyncs(self) -> int:
        counts = {user: count for user, count in self.server.resyncs.items() if user in self.operators}
        holder = self.holder()
        return counts[holder] if holder in counts else min(counts.values(), default=0)

    async def watching(self, user: str) -> None:
        """Returns when that operator watches everything that it wants to watch, so that its caches are (soon) warm."""
        wanted = {call.resource for call in self.server.calls if call.user == user and call.verb == "list"}
        await until(lambda: self._watched(user) >= 4 and self._watched(user) >= len(wanted), what=f"{user} watches")

    def _watched(self, user: str) -> int:
        return len({call.resource for call in self.server.calls if call.user == user and call.verb == "watch"})

    async def acted(self, user: str) -> None:
        """Returns when that operator re-synced twice completely from now: it had time to act on what it knows."""
        done = self.server.resyncs[user]
        await until(lambda: self.server.resyncs[user] >= done + 4, what=f"{user} re-syncs")

    def later(self, moment: Coroutine[Any, Any, Any], then: Callable[[], None]) -> None:
        """Calls `then` at that moment, while the case goes on."""

        async def wait() -> None:
            await moment
            then()

        self._tasks.append(asyncio.create_task(wait()))

    async def _kubelet(self, operator: OperatorProcess) -> None:
        for _ in range(_RESTARTS):
            code = await operator.exit_code(seconds=3600)
            if self.operators.get(operator.identity) is not operator:
                return
            self.exits.append(code)
            await operator.start()
        raise AssertionError(f"{operator.identity} ended {_RESTARTS} times")

    async def close(self) -> None:
        """Ends all operators."""
        for task in self._tasks:
            task.cancel()
        operators, self.operators = [*self.operators.values(), *self.leaving.values()], {}
        for operator in operators:
            operator.send(signal.SIGKILL)
        await asyncio.gather(*(operator.exit_code() for operator in operators))
        await asyncio.gather(*self._kubelets)

    def logs(self) -> str:
        """The end of all operators' logs."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-6000:]}" for path in sorted(self.folder.glob("*.log")))


@contextlib.asynccontextmanager
async def world(zygote: Zygote, server: FakeServer, folder: Path) -> AsyncIterator[World]:
    """An empty cluster; `folder` is there and empty."""
    async with server:
        made = World(zygote, server, folder)
        try:
            yield made
        finally:
            await made.close()
