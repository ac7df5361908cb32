"""The runtime that leaves out what the host does not have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import oci_runtime
from cluster.engine import daemon_config

# CapBnd of a machine whose root lacks bit 24, CAP_SYS_RESOURCE, and of one that has all 41.
_LACKING = "Name:\tx\nCapBnd:\t000001fffeffffff\n"
_COMPLETE = "Name:\tx\nCapBnd:\t000001ffffffffff\n"


def test_names_the_missing_capability() -> None:
    assert oci_runtime.missing_capabilities(_LACKING, 40) == {"CAP_SYS_RESOURCE"}
    assert oci_runtime.missing_capabilities(_COMPLETE, 40) == frozenset()


def test_a_capability_that_the_kernel_does_not_know_is_not_missing() -> None:
    assert oci_runtime.missing_capabilities("CapBnd:\t0000003fffffffff\n", 37) == frozenset()


@pytest.mark.parametrize("wrapped", [True, False], ids=["create", "exec"])
def test_takes_it_out_of_every_set(wrapped: bool) -> None:
    process = {
        "args": ["sh"],
        "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"]},
    }
    reduced = {"args": ["sh"], "capabilities": {"bounding": ["CAP_CHOWN"], "effective": []}}
    given = {"ociVersion": "1.0", "process": process} if wrapped else process
    wanted = {"ociVersion": "1.0", "process": reduced} if wrapped else reduced
    assert oci_runtime.without(given, frozenset({"CAP_SYS_RESOURCE"})) == wanted


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["--root", "/r", "create", "--bundle", "{dir}", "id"], "config.json"),
        (["--root", "/r", "create", "--bundle={dir}", "id"], "config.json"),
        (["exec", "--process", "{dir}/p.json", "id"], "p.json"),
    ],
)
def test_rewrites_the_file_and_becomes_runc(tmp_path: Path, arguments: list[str], file: str) -> None:
    """The whole program, with a runc that prints what it was called with."""
    runc = tmp_path / "runc"
    runc.write_text('#!/bin/sh\necho "$0 $@"\n')
    runc.chmod(0o755)
    (tmp_path / file).write_text(json.dumps({"capabilities": {"bounding": ["CAP_CHOWN", "CAP_NOWHERE"]}}))
    called = [word.replace("{dir}", str(tmp_path)) for word in arguments]
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import oci_runtime, os\n"
        "oci_runtime.host_lacks = lambda: frozenset({'CAP_NOWHERE'})\n"
        "os.defpath = sys.argv[2]\n"
        "oci_runtime.main(sys.argv[3:])"
    )
    folder = str(Path(oci_runtime.__file__).parent)
    command = [sys.executable, "-c", program, folder, str(tmp_path), *called]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": os.defpath})
    assert json.loads((tmp_path / file).read_text()) == {"capabilities": {"bounding": ["CAP_CHOWN"]}}
    assert done.stdout.split()[1:] == called


def test_the_daemon_keeps_the_hosts_settings_and_gets_the_runtime_only_where_needed() -> None:
    host = {"mtu": 1400, "runtimes": {"other": {"path": "/o"}}}
    assert daemon_config(host, None) == host
    assert daemon_config(host, Path("/cache/reduced")) == {
        "mtu": 1400,
        "runtimes": {"other": {"path": "/o"}, "runc-reduced": {"path": "/cache/reduced"}},
        "default-runtime": "runc-reduced",
    }
