"""Runs programs and reports progress. Knows nothing of Docker or Kubernetes.

Every step prints one line when it ends, with its elapsed time, and a heartbeat while it runs, so that a
silent minute never looks like a hang. Lines of parallel steps may interleave but never mix.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HEARTBEAT_SECONDS: Final = 15.0
_TAIL_LINES: Final = 25
_started = time.monotonic()
_printing = threading.Lock()


class ClusterError(Exception):
    """Something went wrong that a person must act on; the message says what is wrong and what to do."""


def say(line: str) -> None:
    """Print one line with the time since the program started."""
    with _printing:
        print(f"[{time.monotonic() - _started:6.1f}s] {line}", file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Announce a piece of work: a heartbeat while it runs, one line with its elapsed time when it ends."""
    begin, done = time.monotonic(), threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            say(f"... {name} ({time.monotonic() - begin:.0f} s so far)")

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    except BaseException:
        say(f"FAIL {name} after {time.monotonic() - begin:.1f} s")
        raise
    else:
        say(f"ok  {name} ({time.monotonic() - begin:.1f} s)")
    finally:
        done.set()


def run(
    args: Sequence[str | Path],
    *,
    stdin: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program and return its output as text.

    Raises ClusterError, with the command and the end of its output, when `check` is set and it fails.
    """
    argv = [str(part) for part in args]
    try:
        done = subprocess.run(
            argv,
            check=False,
            input=stdin,
            cwd=cwd,
            env=None if env is None else dict(env),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL if stdin is None else None,
        )
    except FileNotFoundError as missing:
        raise ClusterError(f"{argv[0]}: not found ({missing.filename})") from missing
    except subprocess.TimeoutExpired as late:
        raise ClusterError(f"`{' '.join(argv)}` did not end within {late.timeout:.0f} s") from late
    if check and done.returncode != 0:
        raise ClusterError(failure(argv, done.returncode, done.stdout + done.stderr))
    return done


def failure(argv: Sequence[str], code: int, output: str) -> str:
    """The text for a program that failed: the command, its exit code and the last lines that it printed."""
    tail = "\n  ".join(output.strip().splitlines()[-_TAIL_LINES:])
    return f"`{' '.join(argv)}` failed with exit code {code}:\n  {tail}"


def pipe(source: Sequence[str | Path], sink: Sequence[str | Path]) -> None:
    """Run `source | sink` and raise ClusterError when either of them fails."""
    left, right = [str(part) for part in source], [str(part) for part in sink]
    with subprocess.Popen(left, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as producer:
        consumer = subprocess.run(right, check=False, stdin=producer.stdout, capture_output=True, text=True)
        assert producer.stdout is not None
        assert producer.stderr is not None
        producer.stdout.close()
        errors = producer.stderr.read().decode(errors="replace")
    if consumer.returncode != 0:
        raise ClusterError(failure(right, consumer.returncode, consumer.stdout + consumer.stderr))
    if producer.returncode != 0:
        raise ClusterError(failure(left, producer.returncode, errors))


def parallel(*jobs: Callable[[], object]) -> None:
    """Run independent jobs at the same time; wait for all of them, then raise the first error if there was one."""
    with ThreadPoolExecutor(max_workers=max(1, len(jobs))) as pool:
        futures = [pool.submit(job) for job in jobs]
    for future in futures:
        future.result()


def wait_for(what: str, ready: Callable[[], bool], *, seconds: float, hint: str) -> None:
    """Poll `ready` until it holds; raises ClusterError with `hint` (what to look at) after `seconds`."""
    limit = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > limit:
            raise ClusterError(f"{what}: not so after {seconds:.0f} s. {hint}")
        time.sleep(0.25)


def stream_command(args: Sequence[str], log: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a long program with its output in `log` as it comes; return its exit code and that output.

    `env` is added to the caller's environment.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        code = subprocess.run(
            list(args),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
        ).returncode
    return code, log.read_text(errors="replace")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock against other threads and other runs of this program; says so when it has to wait."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(f"wait for another run to finish its {file.stem}"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
