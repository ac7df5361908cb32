"""`python -m generate` writes every generated file; `--check` writes nothing and fails on a difference."""

import argparse
import difflib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cluster import env

ROOT = Path(__file__).resolve().parents[2]


def _operator(command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "llm_operator", command], check=True, capture_output=True, text=True
    ).stdout


def _install() -> str:
    return env.helm_template(
        "llm-operator", str(ROOT / "charts/llm-operator"), "--namespace", "llm-operator-system", "--include-crds"
    )


# In this order: install.yaml is made from the chart, which holds a copy of the CRD.
FILES: dict[str, Callable[[], str]] = {
    "manifests/crd.yaml": lambda: _operator("crd"),
    "charts/llm-operator/files/crd.yaml": lambda: _operator("crd"),
    "manifests/api.md": lambda: _operator("docs"),
}


def _differs(path: Path, text: str) -> bool:
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if old == text:
        return False
    name = str(path.relative_to(ROOT))
    lines = list(
        difflib.unified_diff(
            old.splitlines(), text.splitlines(), f"{name} (committed)", f"{name} (generated)", lineterm=""
        )
    )
    print("\n".join(lines[:40]))
    return True


def main() -> int:
    """Exit status 1: with --check, something differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    stale = []
    for name, make in FILES.items():
        path, text = ROOT / name, make()
        if check and _differs(path, text):
            stale.append(name)
        elif not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if stale:
        print(f"\nNot up to date: {', '.join(stale)}. Run `make generate` and commit.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
