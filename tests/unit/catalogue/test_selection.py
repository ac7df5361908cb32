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


def test_days_in_a_row_take_all_and_each_once() -> None:
    days = [selection.rotation(KNOWN, DAY + timedelta(days=offset), parts=4) for offset in range(4)]
    assert sorted(name for day in days for name in day) == list(KNOWN)


def test_a_subset_is_what_changed_and_the_days_share() -> None:
    (day, *_) = [
        DAY + timedelta(days=n) for n in range(8) if selection.rotation(KNOWN, DAY + timedelta(days=n)) == ("a", "i")
    ]
    assert selection.subset(KNOWN, ["manifests/samples/c.yaml", "manifests/samples/gone.yaml"], day) == ("a", "c", "i")


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
