"""Which samples a run of the catalogue takes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import samples
from catalogue import selection

KNOWN = tuple("abcdefghij")
DAY = date(2026, 1, 1)


def test_changed_files_name_samples() -> None:
    paths = [
        "manifests/samples/a.yaml",
        "tests/golden/samples/b.yaml",
        "manifests/samples/README.md",
        "manifests/c.yaml",
    ]
    assert selection.changed(paths) == {"a", "b"}


def test_a_subset_fills_its_time_with_what_the_day_brings() -> None:
    """10 seconds each, 30 seconds: three a day, one after the other."""
    costs = dict.fromkeys(KNOWN, 10.0)
    days = [selection.subset(costs, frozenset(), DAY + timedelta(days=n), 30) for n in range(4)]
    assert [len(day) for day in days] == [3, 3, 3, 3]
    assert {name for day in days for name in day} == set(KNOWN)


def test_what_changed_is_taken_first_and_leaves_room() -> None:
    costs = dict.fromkeys(KNOWN, 10.0)
    for offset in range(10):
        day = DAY + timedelta(days=offset)
        few = selection.subset(costs, frozenset("ch"), day, 40)
        assert {"c", "h"} < set(few)
        assert len(few) == 4
        most = selection.subset(costs, frozenset(KNOWN), day, 40)
        assert len(most) == 4, "30 seconds of what changed, 10 of the rest"


def test_costs_are_counted() -> None:
    costs = {"short": 10.0, "long": 50.0, "other": 20.0}
    for offset in range(3):
        taken = selection.subset(costs, frozenset(), DAY + timedelta(days=offset), 60)
        assert sum(costs[name] for name in taken) <= 60
        assert taken
    assert selection.subset({"huge": 100.0}, frozenset({"huge"}), DAY, 60) == ()


def test_one_that_changed_may_take_all_the_time() -> None:
    costs = {"a": 10.0, "long": 50.0, "b": 10.0}
    for offset in range(3):
        assert "long" in selection.subset(costs, frozenset({"long"}), DAY + timedelta(days=offset), 60)


def test_the_parts_are_all_tests_and_name_what_exists() -> None:
    """Each test module of the catalogue but the samples' own is a part, or several; each path leads somewhere. No row for a module
    that is gone, no test left out because nobody named it."""
    folder = samples.FOLDER.parents[1]
    modules = {path.name for path in (folder / "tests/catalogue").glob("test_*.py")} - {"test_samples_simulated.py"}
    assert {part.tests.partition("::")[0] for part in selection.parts()} == modules
    for part in selection.parts():
        module, _, test = part.tests.partition("::")
        assert f"def {test.partition('[')[0]}" in (folder / "tests/catalogue" / module).read_text()
        assert part.seconds <= selection.PARTS_BUDGET
        for path in part.paths:
            assert path.endswith("/") or list(folder.glob(f"{path}*")), path
            assert not path.endswith("/") or (folder / path).is_dir(), path


def test_changed_files_name_parts() -> None:
    paths = ["operator/src/llm_operator/plan/routing.py", "tests/catalogue/test_shapes.py", "README.md"]
    assert selection.changed_parts(paths) == {"test_routing.py", "test_shapes.py"}


def test_only_a_subset_leaves_parts_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(selection.SINCE, "HEAD")
    for said in ("", "all", "small"):
        monkeypatch.setenv(selection.VARIABLE, said)
        assert selection.left_out() == ()
    monkeypatch.setenv(selection.VARIABLE, "subset")
    left = set(selection.left_out())
    taken = [part.seconds for part in selection.parts() if part.tests not in left]
    assert 0 < sum(taken) <= selection.PARTS_BUDGET


def test_less_time_takes_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(selection.VARIABLE, "subset")
    monkeypatch.setenv(selection.SINCE, "HEAD")
    whole = selection.SAMPLES_BUDGET + selection.PARTS_BUDGET
    costs = {part.tests: part.seconds for part in selection.parts()}
    for seconds in (whole * 2, whole, whole / 2, whole / 3):
        monkeypatch.setenv(selection.SECONDS, f"{seconds:.0f}")
        samples_taken = selection.selected(samples.names())
        parts_taken = sum(costs.values()) - sum(costs[name] for name in selection.left_out())
        assert len(samples_taken) == int(selection.SAMPLES_BUDGET * min(1, seconds / whole) // selection.SAMPLE_SECONDS)
        assert 0 < parts_taken <= selection.PARTS_BUDGET * min(1, seconds / whole)


def test_an_unknown_revision_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout without history: the day's share is taken all the same."""
    monkeypatch.setenv(selection.VARIABLE, "subset")
    monkeypatch.setenv(selection.SINCE, "no-such-revision")
    assert selection.selected(samples.names())


@pytest.mark.parametrize(
    ("said", "want"), [("", samples.names()), ("all", samples.names()), ("vision, small", ("small", "vision"))]
)
def test_by_name(said: str, want: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(selection.VARIABLE, said)
    assert selection.selected(samples.names()) == want


def test_an_unknown_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(selection.VARIABLE, "small,smal")
    with pytest.raises(ValueError, match=r"no such sample: smal$"):
        selection.selected(samples.names())


def test_a_subset_of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(selection.VARIABLE, "subset")
    monkeypatch.setenv(selection.SINCE, "HEAD")
    found = selection.selected(samples.names())
    assert 0 < len(found) <= len(samples.names())
