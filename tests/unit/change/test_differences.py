"""Paths at which two values differ."""

from __future__ import annotations

from typing import Any

import pytest
from llm_operator.change.differences import differences

CASES: list[tuple[str, Any, Any, list[str], list[str]]] = [
    # before, after, as Go's types see it, exactly
    ("equal", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, [], []),
    ("a value", {"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b"], ["a.b"]),
    ("whole and broken number", {"a": 1}, {"a": 1.0}, ["a"], ["a"]),
    ("number and truth", {"a": 1}, {"a": True}, ["a"], ["a"]),
    ("an empty map", {"a": {}}, {}, [], ["a"]),
    ("an empty list", {}, {"a": []}, [], ["a"]),
    ("null", {"a": None}, {}, [], ["a"]),
    ("null and an empty map", {"a": None}, {"a": {}}, [], ["a"]),
    ("an empty text is a text", {"a": ""}, {}, ["a"], ["a"]),
    ("zero is a number", {"a": 0}, {}, ["a"], ["a"]),
    ("a map that is new", {}, {"a": {"b": 1, "c": {"d": 2}}}, ["a.b", "a.c.d"], ["a.b", "a.c.d"]),
    ("a map that goes", {"a": {"b": 1}}, {"a": None}, ["a.b"], ["a"]),
    ("a key with dots", {}, {"labels": {"a.b/c": "d"}}, ["labels[a.b/c]"], ["labels[a.b/c]"]),
    ("another kind", {"a": {"b": 1}}, {"a": [1]}, ["a"], ["a"]),
    ("named items", [{"name": "a", "v": 1}], [{"name": "a", "v": 2}], ["[a].v"], ["[a].v"]),
    ("named items come and go", [{"name": "a"}], [{"name": "b"}], ["[a]", "[b]"], ["[a]", "[b]"]),
    ("groups", [{"groupName": "g", "n": 1}], [{"groupName": "g", "n": 2}], ["[g].n"], ["[g].n"]),
    ("order", [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}], [": the order"], [": the order"]),
    (
        "order of those that stay",
        [{"name": "a"}, {"name": "b"}, {"name": "c"}],
        [{"name": "c"}, {"name": "a"}],
        ["[b]", ": the order"],
        ["[b]", ": the order"],
    ),
    ("a list that is new", {}, {"a": [{"name": "x"}]}, ["a[x]"], ["a"]),
    ("two of one name", [{"name": "a"}, {"name": "a"}], [{"name": "a"}, {"name": "a", "v": 1}], ["[1].v"], ["[1].v"]),
    ("rows", [1, 2], [1, 3], ["[1]"], ["[1]"]),
    ("rows, another number", [1], [1, 2], [""], [""]),
    ("text in a list of names", [{"name": "a"}], ["a"], ["[0]"], ["[0]"]),
]


@pytest.mark.parametrize(("about", "before", "after", "loose", "exact"), CASES, ids=[case[0] for case in CASES])
def test_differences(about: str, before: Any, after: Any, loose: list[str], exact: list[str]) -> None:
    assert list(differences(before, after)) == loose
    assert list(differences(before, after, exact=True)) == exact
    assert len(list(differences(after, before))) == len(loose)


def test_below_a_path() -> None:
    assert list(differences({"a": [1]}, {"a": [2]}, "spec")) == ["spec.a[0]"]
