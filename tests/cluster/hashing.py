"""Content hashes: what decides whether something kept in the cache is still right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def of_text(*parts: str) -> str:
    """16 hexadecimal digits for a sequence of strings; ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()[:16]


def of_files(paths: Iterable[Path], root: Path) -> str:
    """16 hexadecimal digits for files and folders (recursively): their names under `root`, modes and contents."""
    digest = hashlib.sha256()
    for file in sorted({file for path in paths for file in _files(path)}):
        data = file.read_bytes()
        executable = bool(file.stat().st_mode & 0o100)
        digest.update(f"{file.relative_to(root).as_posix()}\0{executable}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
