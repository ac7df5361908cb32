"""Runs the real operator as a process of its own against the fake API server."""

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from contract import access
from contract.server import FakeServer
from contract.zygote import Zygote

SAFE_LEASE = {"LEASE_SECONDS": "120", "RENEW_DEADLINE_SECONDS": "90", "LEASE_RETRY_SECONDS": "0.5"}
"""Nobody loses it on a busy machine."""
FAST = {
    **SAFE_LEASE,
    # No model of a fake cluster answers.
    "PROBES": "off",
    "DISCOVERY_SECONDS": "0.3",
    "RESYNC_SECONDS": "0.5",
    "BACKOFF_MIN_SECONDS": "0.2",
    "BACKOFF_MAX_SECONDS": "2",
    "LEASE_NAMESPACE": "llm-operator-system",
}
PATIENCE_SECONDS = float(os.environ.get("CONTRACT_PATIENCE", "120"))
"""So long a test waits for what comes within a second on a quiet machine. Only a red test waits so long."""


async def until(
    condition: Callable[[], Any], *, what: str, seconds: float = PATIENCE_SECONDS, every: float = 0.02
) -> Any:
    """The condition's first true value. Fails with `what` when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        await asyncio.sleep(every)
    raise AssertionError(f"did not happen within {seconds:g} s: {what}")


class OperatorProcess:
    """One operator. Its user name at the fake server is its identity, also after `start` was called again (as when the
    kubelet restarts a container)."""

    def __init__(self, zygote: Zygote, server: FakeServer, folder: Path, identity: str, **settings: str) -> None:
        self.identity = identity
        self._zygote = zygote
        self._port = access.free_port()
        self.log = folder / f"{identity}.log"
        self._code = folder / f"{identity}.code"
        kubeconfig = folder / f"{identity}.kubeconfig"
        kubeconfig.write_text(json.dumps(access.kubeconfig(server.url, identity)))
        own = {name: value for name, value in settings.items() if name.startswith(("CONTRACT_", "KUBE"))}
        given = {**FAST, "IDENTITY": identity, "HTTP_PORT": str(self._port), **settings}
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            **{f"LLM_OPERATOR_{name}": value for name, value in given.items() if name not in own},
            **own,
        }
        self.pid = 0
        self._pidfd = -1

    async def start(self) -> None:
        """Returns at once; wait for what you need."""
        self._code.unlink(missing_ok=True)
        self.pid = self._zygote.fork(self._environment, self.log, self._code)
        self._pidfd = os.pidfd_open(self.pid)

    @property
    def returncode(self) -> int | None:
        """Exit code, -9 after a kill; None while it runs."""
        return int(self._code.read_text()) if self._code.exists() else None

    async def exit_code(self, *, seconds: float = PATIENCE_SECONDS) -> int:
        """Waits for the end of the process."""
        await until(self._code.exists, what=f"{self.identity} ends", seconds=seconds, every=0.005)
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        return int(self._code.read_text())

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, if the process still runs."""
        if self._pidfd >= 0 and self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.send(signal.SIGTERM)
        return await self.exit_code()

    async def kill(self) -> None:
        """SIGKILL: no release of the Lease, no drain."""
        self.send(signal.SIGKILL)
        await self.exit_code()

    async def metric(self, name: str) -> float:
        """Sum of the samples whose text begins so; 0 while the operator does not answer."""
        status, text = await self.get("/metrics")
        found = re.findall(rf"^{re.escape(name)}\S* (\S+)$", text, re.MULTILINE) if status == 200 else []
        return sum(float(value) for value in found)

    async def get(self, path: str) -> tuple[int, str]:
        """HTTP status and body of one of its endpoints; (0, "") while it does not answer."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self._port}{path}") as answer,
            ):
                return answer.status, await answer.text()
        except aiohttp.ClientError:
            return 0, ""

    async def wait_metric(self, name: str, at_least: float, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Returns when the metric is so high."""
        await self._poll(lambda: self.metric(name), lambda value: value >= at_least, f"{name} >= {at_least}", seconds)

    async def wait_status(self, path: str, status: int, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Returns when the endpoint answers so."""
        await self._poll(lambda: self.get(path), lambda got: got[0] == status, f"{path} = {status}", seconds)

    async def settled(self) -> None:
        """Returns after two full re-syncs from now, with an empty queue: whatever wants to be written was written."""
        done = await self.metric('llm_operator_resyncs_total{result="ok"}')
        await self.wait_metric('llm_operator_resyncs_total{result="ok"}', done + 2)
        await self._poll(
            lambda: self.metric("llm_operator_queue_depth"), lambda depth: depth == 0, "empty queue", PATIENCE_SECONDS
        )

    async def _poll(self, ask: Callable[[], Any], good: Callable[[Any], bool], what: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        got = None
        while time.monotonic() < end:
            if good(got := await ask()):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.identity}: not within {seconds:g} s: {what}; last: {got}")
