"""A program that is built without a file of a module."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster import golang
from cluster.golang import Program, StandIn


@pytest.fixture
def program(tmp_path: Path) -> Program:
    folder = tmp_path / "program"
    folder.mkdir()
    folder.joinpath("go.mod").write_text("module x\n")
    folder.joinpath("go.sum").write_text("sums\n")
    folder.joinpath("less.go").write_text("package dns // less\n")
    return Program("x", folder, {"x": "."}, stand_in=StandIn("example.org/m", "dns/all.go", "less.go"))


def test_the_copy_has_the_stand_in(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "module"
    (module / "dns").mkdir(parents=True)
    (module / "dns" / "all.go").write_text("package dns // all\n")
    (module / "dns" / "all.go").chmod(0o444)
    (module / "m.go").write_text("package m\n")
    monkeypatch.setattr(golang, "_fetched", lambda program, name: {"example.org/m": module}[name])
    with golang._without(program) as flags:
        (flag,) = flags
        modfile = Path(flag.removeprefix("-modfile="))
        first, *_, last = modfile.read_text().splitlines()
        copy = Path(last.removeprefix("replace example.org/m => "))
        assert first == "module x"
        assert (copy / "dns" / "all.go").read_text() == "package dns // less\n"
        assert (copy / "m.go").read_text() == "package m\n"
        assert modfile.with_name("go.sum").read_text() == "sums\n"
    assert not copy.exists()
    assert (module / "dns" / "all.go").read_text() == "package dns // all\n"


def test_nothing_is_left_out_by_default() -> None:
    with golang._without(golang.KIND) as flags:
        assert flags == []


def test_the_key_counts_the_stand_in(program: Program) -> None:
    whole = Program("x", program.folder, program.packages)
    other = Program("x", program.folder, program.packages, stand_in=StandIn("example.org/m", "dns/b.go", "less.go"))
    keys = {golang.key(each, "linux", "amd64") for each in (program, whole, other)}
    assert len(keys) == 3
    before = golang.key(program, "linux", "amd64")
    program.folder.joinpath("less.go").write_text("package dns // even less\n")
    assert golang.key(program, "linux", "amd64") != before
