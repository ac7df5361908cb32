"""What is mutated: the code that plans, that tells the status, and that decides what is written and writes it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "operator" / "src" / "llm_operator"
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "plan": ("plan",),
    "status": ("status",),
    "apply": (
        "sync.py",
        "outcome.py",
        "stages",
        "rollout",
        "change",
        "control/reconciler.py",
        "control/confirm.py",
        "control/others.py",
        "control/departed.py",
        "control/gateway.py",
        "kube/cluster.py",
        "kube/errors.py",
    ),
}
"""Part → files and folders below `llm_operator`."""


def files(part: str, paths: Sequence[str] = ()) -> list[Path]:
    """The part's files, in order; with `paths` (below `llm_operator`) only what lies there."""
    found: list[Path] = []
    for entry in PARTS[part]:
        place = PACKAGE / entry
        found += sorted(place.rglob("*.py")) if place.is_dir() else [place]
    if missing := [path for path in found if not path.exists()]:
        raise FileNotFoundError(f"parts.py names files that are not there: {[str(path) for path in missing]}")
    wanted = [PACKAGE / path for path in paths]
    return [path for path in found if not wanted or any(path == each or each in path.parents for each in wanted)]


def package(path: Path) -> str:
    """Row of the table: the folder below `llm_operator`, or the module at its top."""
    inside = path.relative_to(PACKAGE)
    return inside.parent.as_posix() if inside.parent.parts else inside.stem
