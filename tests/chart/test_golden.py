"""Walks tests/chart/cases: values.yaml in, want.yaml out. `pytest tests/chart --update` rewrites want.yaml."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
import yaml
from chart import rendered

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, request: pytest.FixtureRequest) -> None:
    values = yaml.safe_load((case / "values.yaml").read_text(encoding="utf-8"))
    got, want = rendered.text(values), case / "want.yaml"
    if request.config.getoption("--update"):
        want.write_text(got, encoding="utf-8")
        return
    assert want.exists(), f"{want}: missing; run `pytest tests/chart --update` and read what it wrote"
    lines = list(
        difflib.unified_diff(
            want.read_text(encoding="utf-8").splitlines(), got.splitlines(), "want", "got", lineterm=""
        )
    )
    assert not lines, "\n".join(lines[:80])
