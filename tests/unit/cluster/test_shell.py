"""Running programs: what a failure says, and that parallel work is waited for."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from cluster import golang
from cluster.shell import ClusterError, locked, parallel, pipe, run, wait_for


def test_a_failure_names_the_command_its_code_and_its_last_words() -> None:
    with pytest.raises(ClusterError, match=r"(?s)failed with exit code 3:.*no such thing"):
        run([sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)"])


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ClusterError, match="no-such-program: not found"):
        run(["no-such-program"])


@pytest.mark.parametrize(("left", "right"), [("exit 1", "cat"), ("echo x", "cat >/dev/null; exit 1")])
def test_a_pipe_fails_with_either_end(left: str, right: str) -> None:
    with pytest.raises(ClusterError, match="exit code 1"):
        pipe(["sh", "-c", left], ["sh", "-c", right])


def test_parallel_waits_for_the_others_before_it_fails() -> None:
    ended = threading.Event()
    released = threading.Event()

    def fail() -> None:
        released.set()
        raise ClusterError("first")

    def slow() -> None:
        assert released.wait(10)
        ended.set()

    with pytest.raises(ClusterError, match="first"):
        parallel(fail, slow)
    assert ended.is_set()


def test_a_lock_keeps_others_out_until_it_is_released(tmp_path: Path) -> None:
    entered = threading.Event()

    def other() -> None:
        with locked(tmp_path / "x.lock"):
            entered.set()

    thread = threading.Thread(target=other)
    with locked(tmp_path / "x.lock"):
        thread.start()
        assert not entered.wait(0.2)
    thread.join(10)
    assert entered.is_set()


def test_waiting_ends_with_the_hint() -> None:
    with pytest.raises(ClusterError, match=r"it works: not so after 0 s\. See the log\."):
        wait_for("it works", lambda: False, seconds=0, hint="See the log.")


@pytest.mark.parametrize(
    ("text", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26, 8)), ("go version go1.19 linux/amd64", (1, 19)), ("", ())],
)
def test_go_version(text: str, version: tuple[int, ...]) -> None:
    assert golang.parse_version(text) == version


def test_a_version_without_patch_level_is_older() -> None:
    assert golang.parse_version("go1.26") < golang.MIN_GO <= golang.parse_version("go1.26.8")


def test_no_go_module_asks_for_a_newer_go_than_we_look_for() -> None:
    """The host's Go is accepted from MIN_GO on, so no go.mod may need more."""
    for program in (*golang.NODE_PROGRAMS, golang.KIND, golang.HELM, golang.KUBERAY):
        lines = (program.folder / "go.mod").read_text().splitlines()
        needed = next(line for line in lines if line.startswith("go "))
        assert golang.parse_version(needed.replace(" ", "")) <= golang.MIN_GO, program.name
