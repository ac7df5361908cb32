"""The draw of mutants and the interval of their score."""

import pytest
from mutation.sample import Score, drawn, shares, total, wilson


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        # Reference: Wilson's interval as in Brown, Cai, DasGupta (2001), calculated to four places.
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (8, 10, 0.4902, 0.9433),
        (200, 250, 0.7460, 0.8449),
    ],
)
def test_interval(hits: int, tries: int, low: float, high: float) -> None:
    assert wilson(hits, tries) == pytest.approx((low, high), abs=1e-4)


def test_a_sample_of_246_is_enough_for_5_percent() -> None:
    low, high = wilson(197, 246)
    assert (high - low) / 2 <= 0.05


def test_the_same_seed_draws_the_same_and_another_one_others() -> None:
    every = list(range(1000))
    first = drawn(every, 50, 1, "plan")
    assert first == drawn(every, 50, 1, "plan")
    assert len(set(first)) == 50
    assert first != drawn(every, 50, 2, "plan")
    assert first != drawn(every, 50, 1, "status")
    assert every == list(range(1000))


def test_a_smaller_sample_is_the_beginning_of_a_larger_one() -> None:
    every = list(range(300))
    assert drawn(every, None, 7, "plan")[:40] == drawn(every, 40, 7, "plan")


def test_more_than_there_are_is_all() -> None:
    assert sorted(drawn([1, 2, 3], 10, 1, "x")) == [1, 2, 3]
    assert sorted(drawn([1, 2, 3], None, 1, "x")) == [1, 2, 3]


@pytest.mark.parametrize(
    ("most", "groups", "each"),
    [(400, 3, [134, 133, 133]), (2, 3, [1, 1, 0]), (None, 2, [None, None]), (9, 3, [3, 3, 3])],
)
def test_shares(most: int | None, groups: int, each: list[int | None]) -> None:
    assert shares(most, groups) == each


def test_a_mutant_that_never_ends_counts_as_killed() -> None:
    score = Score()
    for fate in ("killed", "killed", "timed_out", "survived"):
        score.add(fate)
    assert (score.mutants, score.share) == (4, 0.75)
    assert score.interval() == wilson(3, 4)
    assert total([score, Score(survived=4)]) == Score(2, 1, 5)
    assert Score().share == 0.0
