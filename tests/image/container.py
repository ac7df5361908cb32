"""Python in the serving image: vLLM is in there, and nowhere else."""

from __future__ import annotations

import subprocess
from typing import Final

from cluster import names

IMAGE: Final = names.image_ref("serve-cpu")


def python(*arguments: str, stdin: str = "", seconds: float = 600) -> str:
    """What `python3 ARGUMENTS` prints in a fresh container without a network; fails the test with its last words."""
    # vLLM 0.29 wants 160 MiB of shared memory; Docker's default is 64.
    options = ["--rm", "-i", "--network", "none", "--shm-size", "1g", "--entrypoint", "python3"]
    command = ["docker", "run", *options, IMAGE, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=seconds)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
