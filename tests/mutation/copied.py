"""A run works on a copy of the work tree: who edits meanwhile changes neither the mutants nor the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from mutation.parts import ROOT

_COPY: Final = "MUTATION_COPY"
"""Set in the process that runs in the copy."""
_SOURCES: Final = ("tests", "operator/src", "serve_app/src")
_LEFT: Final = (".git", ".venv", ".*_cache", "__pycache__", ".hypothesis")


def is_copy() -> bool:
    """Whether this process runs in one."""
    return _COPY in os.environ


def run(folder: Path) -> int:
    """The same command in a copy of the work tree below `folder`; its exit status."""
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT))
    environment = {
        **os.environ,
        _COPY: "1",
        "PYTHONPATH": os.pathsep.join(str(copy / source) for source in _SOURCES),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    if out := environment.get("OUT"):
        environment["OUT"] = str(Path(out).absolute())
    return subprocess.run([sys.executable, "-m", "mutation"], cwd=copy, env=environment, check=False).returncode
