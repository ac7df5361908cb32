"""The split of the A/B router, without a network."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_serve_app.ab_router import Target, choose, position, shares, with_model

TARGETS = {name: Target(url=f"/{name}") for name in "abc"}


def test_shares() -> None:
    assert shares(TARGETS, None) == [("a", 1.0), ("b", 1.0), ("c", 1.0)]
    assert shares(TARGETS, {"b": 10, "a": 90}) == [("a", 90.0), ("b", 10.0), ("c", 0.0)]


def test_the_split_is_kept_for_keys_and_for_chance() -> None:
    weighted = shares(TARGETS, {"a": 90, "b": 10})
    for keys in ([f"session-{number}" for number in range(10_000)], [None] * 10_000):
        counts = Counter(choose(weighted, position(key)) for key in keys)
        assert 900 < counts["b"] < 1100  # three standard deviations of a fair 10 % are 90
        assert counts["c"] == 0


def test_a_key_moves_only_when_its_share_does() -> None:
    keys = [f"session-{number}" for number in range(1000)]
    before, after = (shares(TARGETS, {"a": share, "b": 100 - share}) for share in (90, 80))
    moved = [(choose(before, position(key)), choose(after, position(key))) for key in keys]
    assert {pair for pair in moved if pair[0] != pair[1]} == {("a", "b")}
    assert 60 < sum(was != now for was, now in moved) < 140


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=5).filter(any),
    st.floats(0, 1, exclude_max=True),
)
def test_a_target_without_a_share_gets_nothing(parts: list[float], at: float) -> None:
    weighted = [(str(index), share) for index, share in enumerate(parts)]
    assert dict(weighted)[choose(weighted, at)] > 0


@pytest.mark.parametrize(
    ("body", "model", "want"),
    [
        (b'{"model": "m", "n": 1}', "other", {"model": "other", "n": 1}),
        (b'{"n": 1}', "other", {"n": 1}),
        (b'{"model": "m"}', None, {"model": "m"}),
        (b"[1]", "other", [1]),
    ],
)
def test_model_is_replaced_in_json_only(body: bytes, model: str | None, want: object) -> None:
    assert json.loads(with_model(body, model)) == want


def test_other_bodies_are_sent_as_they_are() -> None:
    for body in (b"", b"\xff\xfe", b"model=m"):
        assert with_model(body, "other") == body
