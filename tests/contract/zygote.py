"""A process that has the operator imported and forks it on demand: each operator is a process of its own that can be killed,
and starts in milliseconds instead of a second of imports.

As a program: reads one JSON request per line from stdin, answers `{"pid": n}` per line; the end of stdin ends it and all its
operators. A request has the whole environment, the log file, and the file that gets the exit code (as subprocess counts).
"""

import ctypes
import gc
import json
import os
import random
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


class Zygote:
    """The program, from outside. Blocking: a fork takes a few milliseconds."""

    def __init__(self) -> None:
        environment = {
            "PYTHONSAFEPATH": "1",
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        }
        self._program = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )

    def fork(self, environment: dict[str, str], log: Path, code: Path) -> int:
        """Starts an operator; its process id."""
        request = {"environment": environment, "log": str(log), "code": str(code)}
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(request) + "\n")
        self._program.stdin.flush()
        return int(json.loads(self._program.stdout.readline())["pid"])

    def close(self) -> None:
        """Ends it with all its operators."""
        self._program.communicate()


def _reap(running: dict[int, str]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        code = Path(running.pop(pid))
        part = code.with_suffix(".part")
        part.write_text(str(os.waitstatus_to_exitcode(status)))
        part.rename(code)


def _operator(request: dict[str, Any]) -> None:
    """In the child: becomes the operator. Never returns."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(request["environment"])
    random.seed()
    code = 1
    try:
        from contract import in_child
        from llm_operator.__main__ import main

        in_child.prepare(os.environ)
        code = main(["run"])
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _main() -> None:
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from contract import in_child

    in_child.warm()
    gc.collect()
    gc.freeze()
    wake, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    running: dict[int, str] = {}
    stdin = sys.stdin.fileno()
    buffer = b""
    while True:
        ready, _, _ = select.select([stdin, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
        _reap(running)
        if stdin not in ready:
            continue
        chunk = os.read(stdin, 65536)
        if not chunk:
            break
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if (pid := os.fork()) == 0:
                _operator(request)
            running[pid] = request["code"]
            sys.stdout.write(json.dumps({"pid": pid}) + "\n")
            sys.stdout.flush()
    for pid in running:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    _main()
