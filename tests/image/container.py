"""Python in the serving image: vLLM is in there, and nowhere else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from cluster import names

IMAGE: Final = names.image_ref("serve-cpu")
_HERE: Final = Path(__file__).parent
_PROBES: Final = "/probes"
_RESULT: Final = "RESULT "


def python(*arguments: str, stdin: str = "", seconds: float = 600) -> str:
    """What `python3 ARGUMENTS` prints in a fresh container without a network; fails the test with its last words."""
    return _run([], arguments, stdin, seconds)


def probe(name: str, *arguments: str, environment: dict[str, str] | None = None, seconds: float = 600) -> Any:
    """What the module NAME of this folder found, run in a fresh container without a network: the value of its last line
    `RESULT <json>`. Fails the test with the probe's last words."""
    variables = {"PYTHONPATH": _PROBES, **(environment or {})}
    options = [option for each in variables.items() for option in ("-e", "=".join(each))]
    mount = ["-v", f"{_HERE}:{_PROBES}/{_HERE.name}:ro"]
    printed = _run([*mount, *options], ("-m", f"{_HERE.name}.{name}", *arguments), "", seconds)
    lines = [line for line in printed.splitlines() if line.startswith(_RESULT)]
    assert lines, f"{name} printed no result:\n{printed[-2000:]}"
    return json.loads(lines[-1].removeprefix(_RESULT))


def _run(options: list[str], arguments: tuple[str, ...], stdin: str, seconds: float) -> str:
    # vLLM 0.29 wants 160 MiB of shared memory; Docker's default is 64.
    fixed = ["--rm", "-i", "--network", "none", "--shm-size", "2g"]
    command = ["docker", "run", *fixed, *options, IMAGE, "python3", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=seconds)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout
