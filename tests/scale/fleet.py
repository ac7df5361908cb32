"""A fake cluster with a fleet in it, as a process of its own, and what its processes use."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import aiohttp

TESTS: Final = Path(__file__).parents[1]


class Fleet:
    """`async with Fleet() as fleet`: the server runs; `await fleet.do("create", ...)` calls scale.fake.__main__.Control."""

    def __init__(self) -> None:
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Fleet":
        environment = {**os.environ, "PYTHONPATH": str(TESTS), "PYTHONSAFEPATH": "1"}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scale.fake", env=environment, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(await self._process.stdout.readline())}"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        assert self._process is not None
        await self._session.close()
        self._process.kill()
        await self._process.wait()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    async def do(self, command: str, **arguments: Any) -> Any:
        """One command; its answer."""
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(total=300)
        async with self._session.post(f"{self.url}/_/{command}", json=arguments, timeout=timeout) as answer:
            got = await answer.json()
            assert answer.status == 200, got
            return got

    async def until(self, good: Callable[[dict[str, Any]], bool], *, what: str, seconds: float = 300) -> dict[str, Any]:
        """The first counts for which it is true."""
        found: dict[str, Any] = await until(lambda: self.do("stats"), good, what=what, seconds=seconds)
        return found

    async def converged(self, *, seconds: float = 300) -> dict[str, Any]:
        """Returns when every LLMDeployment has a status about its newest generation, and its child."""
        return await self.until(lambda stats: stats["waiting"] == 0, what="all converged", seconds=seconds)


async def until(ask: Callable[[], Awaitable[Any]], good: Callable[[Any], bool], *, what: str, seconds: float) -> Any:
    """The first answer that is good. Fails with `what` and the last answer when none comes."""
    end = time.monotonic() + seconds
    while not good(got := await ask()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}; last: {got}")
        await asyncio.sleep(0.1)
    return got


def rss_bytes(pid: int) -> int:
    """Resident memory of a process now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def busy_seconds(pid: int) -> float:
    """Processor time that a process has used or has waited for so far: on a loaded machine a process that uses none need
    not be idle. Linux's schedstat: nanoseconds on a core, nanoseconds in a run queue."""
    used = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended
            used += sum(map(int, (thread / "schedstat").read_text().split()[:2]))
    return used / 1e9


def wants_to_run(pid: int) -> bool:
    """Whether a thread of it runs or waits for a core now."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if (thread / "stat").read_text().rpartition(")")[2].split()[0] == "R":
                return True
    return False


def cpu_seconds(pid: int) -> float:
    """Processor time that a process used so far."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
