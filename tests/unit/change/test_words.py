"""Lists in sentences."""

import pytest
from llm_operator.change.words import listed


@pytest.mark.parametrize(
    ("words", "most", "said"),
    [
        ([], 3, ""),
        (["a"], 3, "a"),
        (["a", "b", "c"], 3, "a, b, c"),
        (["a", "b", "c", "d"], 3, "a, b, c and 1 more"),
        (["a", "b", "c", "d", "e"], 2, "a, b and 3 more"),
    ],
)
def test_listed(words: list[str], most: int, said: str) -> None:
    assert listed(words, most) == said
    assert listed(words, 3) == listed(words)
