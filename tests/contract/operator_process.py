"""Runs the real operator as a process of its own against the fake API server."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from contract.server import FakeServer

FAST = {
    "LEASE_SECONDS": "3",
    "RENEW_DEADLINE_SECONDS": "2",
    "LEASE_RETRY_SECONDS": "0.25",
    "DISCOVERY_SECONDS": "0.3",
    "RESYNC_SECONDS": "0.5",
    "BACKOFF_MIN_SECONDS": "0.2",
    "BACKOFF_MAX_SECONDS": "2",
    "LEASE_NAMESPACE": "llm-operator-system",
}


async def until(condition: Callable[[], Any], *, what: str, seconds: float = 30.0) -> Any:
    """The condition's first true value. Fails with `what` when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        await asyncio.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds:g} s: {what}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OperatorProcess:
    """One operator. Its user name at the fake server is its identity."""

    def __init__(self, server: FakeServer, folder: Path, identity: str, **settings: str) -> None:
        self.identity = identity
        self._port = _free_port()
        self.log = folder / f"{identity}.log"
        kubeconfig = folder / f"{identity}.kubeconfig"
        kubeconfig.write_text(json.dumps(_kubeconfig(server.url, identity)))
        given = {**FAST, "IDENTITY": identity, "HTTP_PORT": str(self._port), **settings}
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            "PYTHONSAFEPATH": "1",
            **{f"LLM_OPERATOR_{name}": value for name, value in given.items()},
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns at once; wait for what you need."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "llm_operator", "run", env=self._environment, stdout=log, stderr=log
            )

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process, once started."""
        assert self._process is not None
        return self._process

    async def exit_code(self, *, seconds: float = 30.0) -> int:
        """Waits for the end of the process."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.exit_code()

    async def kill(self) -> None:
        """SIGKILL: no release of the Lease, no drain."""
        if self.process.returncode is None:
            self.process.kill()
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

    async def wait_metric(self, name: str, at_least: float, *, seconds: float = 30.0) -> None:
        """Returns when the metric is so high."""
        await self._poll(lambda: self.metric(name), lambda value: value >= at_least, f"{name} >= {at_least}", seconds)

    async def wait_status(self, path: str, status: int, *, seconds: float = 30.0) -> None:
        """Returns when the endpoint answers so."""
        await self._poll(lambda: self.get(path), lambda got: got[0] == status, f"{path} = {status}", seconds)

    async def settled(self) -> None:
        """Returns after two full re-syncs from now, with an empty queue: whatever wants to be written was written."""
        done = await self.metric('llm_operator_resyncs_total{result="ok"}')
        await self.wait_metric('llm_operator_resyncs_total{result="ok"}', done + 2)
        await self._poll(lambda: self.metric("llm_operator_queue_depth"), lambda depth: depth == 0, "empty queue", 30)

    async def _poll(self, ask: Callable[[], Any], good: Callable[[Any], bool], what: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        got = None
        while time.monotonic() < end:
            if good(got := await ask()):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.identity}: not within {seconds:g} s: {what}; last: {got}")


def _kubeconfig(url: str, token: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        "clusters": [{"name": "fake", "cluster": {"server": url}}],
        "users": [{"name": "fake", "user": {"token": token}}],
    }
