"""Operators as processes of their own, with the settings that they have in production."""

import asyncio
import json
import os
import re
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp
from contract import access
from scale.fleet import Fleet, busy_seconds, cpu_seconds, rss_bytes, until, wants_to_run

TESTS: Final = Path(__file__).parents[1]
QUIET: Final = {
    "RESYNC_SECONDS": "3600",
    # A machine busy with other things must not cost the Lease.
    "LEASE_SECONDS": "200",
    "RENEW_DEADLINE_SECONDS": "150",
    # Nobody answers at the addresses of a fake cluster.
    "PROBES": "off",
}
"""Settings of all operators here, unless a test says otherwise."""
PYTHON: Final = os.environ.get("OPERATOR_PYTHON") or sys.executable
"""Runs the operators. The tests' own environment has packages that some of the operator's dependencies import when they find
them (cryptography, kubernetes-validate): an environment of operator/requirements.txt alone has less memory in use."""
SETTLED: Final = 0.06
"""Share of a core, used or wanted, below which processes count as idle."""
_LOOKS: Final = 20
"""Per second; one of them may find a housekeeping thread at work."""


class Process:
    """One process that talks to the fleet's API server; its user name there is its identity."""

    def __init__(self, fleet: Fleet, folder: Path, identity: str, command: list[str], **environment: str) -> None:
        self.identity, self._server = identity, fleet.pid
        self.log = folder / f"{identity}.log"
        kubeconfig = folder / f"{identity}.kubeconfig"
        kubeconfig.write_text(json.dumps(access.kubeconfig(fleet.url, identity)))
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        given = {"HOME": str(folder), "KUBECONFIG": str(kubeconfig), "PYTHONSAFEPATH": "1"}
        self._command, self._environment = command, {**kept, **given, **environment}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns at once."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environment, stdout=log, stderr=log
            )

    @property
    def pid(self) -> int:
        """Of the started process; fails with its log when it ended."""
        assert self._process is not None
        assert self._process.returncode is None, self.log.read_text()[-5000:]
        return self._process.pid

    async def kill(self) -> None:
        """SIGKILL: no clean end of anything."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    def rss_bytes(self) -> int:
        """Resident memory now."""
        return rss_bytes(self.pid)

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        return cpu_seconds(self.pid)

    async def idle(self, *, seconds: float = 300) -> None:
        """Returns when neither the process nor the API server has anything to do any more."""

        async def busy() -> float:
            before = sum(map(busy_seconds, (self.pid, self._server)))
            waiting = 0
            for _ in range(_LOOKS):
                await asyncio.sleep(1.0 / _LOOKS)
                waiting += any(map(wants_to_run, (self.pid, self._server)))
            used = sum(map(busy_seconds, (self.pid, self._server))) - before
            return max(used, (waiting - 1) / _LOOKS)

        await until(busy, lambda share: share < SETTLED, what=f"{self.identity} is idle", seconds=seconds)


class Operator(Process):
    """The operator itself. `settings` are its environment variables without the prefix."""

    def __init__(self, fleet: Fleet, folder: Path, identity: str, **settings: str) -> None:
        self._port = access.free_port()
        given = {"IDENTITY": identity, "HTTP_PORT": str(self._port), **QUIET, **settings}
        environment = {f"LLM_OPERATOR_{name}": value for name, value in given.items()}
        super().__init__(fleet, folder, identity, [PYTHON, "-m", "llm_operator", "run"], **environment)

    async def ready(self, *, seconds: float = 300) -> None:
        """Returns when its caches are warm."""

        async def status() -> int:
            return (await self._get("/readyz"))[0]

        await until(status, lambda code: code == 200, what=f"{self.identity} is ready", seconds=seconds)

    async def leads(self, *, seconds: float = 300) -> None:
        """Returns when it is the leader, with warm caches."""
        await self.ready(seconds=seconds)
        leader = partial(self.metric, "llm_operator_leader")
        await until(leader, lambda value: value == 1, what=f"{self.identity} leads", seconds=seconds)

    async def metric(self, name: str) -> float:
        """Sum of the samples whose text begins so; 0 while it does not answer."""
        found = re.findall(rf"^{re.escape(name)}\S* (\S+)$", (await self._get("/metrics"))[1], re.MULTILINE)
        return sum(float(value) for value in found)

    async def _get(self, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self._port}{path}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                return answer.status, await answer.text()
        except aiohttp.ClientError:
            return 0, ""
