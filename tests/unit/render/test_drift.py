"""differences: what is missing or other; what others set is not looked at."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_operator.render.drift import differences


@pytest.mark.parametrize(
    ("wanted", "live", "want"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": 1}, {}, ["a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 2}}, ["a.b", "a.c"]),
        ({"a": {}}, {}, []),
        ({"a": []}, {}, []),
        ({"a": None}, {}, []),
        ({"a": ""}, {}, ["a"]),
        ({"a": 0}, {}, ["a"]),
        ({"a": False}, {}, ["a"]),
        ({"a": {"b": 1}}, {"a": None}, ["a"]),
        ({"a": {"b": 1}}, {"a": [1]}, ["a"]),
        ({"a": [1, 2]}, {"a": [1, 2]}, []),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": [1]}, {"a": "1"}, ["a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2, "c": 3}]}, ["a[0].b"]),
        ({"a": "1"}, {"a": 1}, ["a"]),
    ],
)
def test_differences(wanted: Any, live: Any, want: list[str]) -> None:
    assert list(differences(wanted, live)) == want


documents = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        st.integers(0, 3) | st.text(max_size=2),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@given(documents)
@settings(max_examples=50, deadline=None)
def test_nothing_differs_from_itself(document: dict[str, Any]) -> None:
    assert list(differences(document, copy.deepcopy(document))) == []


@given(documents, documents)
@settings(max_examples=100, deadline=None)
def test_what_is_merged_is_there(wanted: dict[str, Any], live: dict[str, Any]) -> None:
    """After a server-side apply nothing differs."""
    assert list(differences(wanted, _apply(wanted, live))) == []


def _apply(wanted: Any, live: Any) -> Any:
    if isinstance(wanted, dict) and isinstance(live, dict):
        return {**live, **{key: _apply(value, live.get(key)) for key, value in wanted.items()}}
    return wanted
