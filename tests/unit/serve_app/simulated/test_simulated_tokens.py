import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_serve_app.simulated import tokens
from llm_serve_app.simulated.vectors import embedding, score

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_text_goes_through_tokens_unchanged(text: str) -> None:
    pieces = tokens.split(text)
    assert "".join(pieces) == text == tokens.decode(tokens.encode(text))
    assert all(1 <= len(piece.encode()) <= tokens.TOKEN_BYTES for piece in pieces)


@given(TEXT.filter(bool), TEXT.filter(bool))
def test_different_tokens_have_different_ids(one: str, two: str) -> None:
    first, second = tokens.split(one)[0], tokens.split(two)[0]
    assert (first == second) == (tokens.token_id(first) == tokens.token_id(second))


@given(st.lists(st.integers(0, tokens.VOCABULARY_SIZE - 1), max_size=5))
def test_every_id_of_the_vocabulary_has_a_text(ids: list[int]) -> None:
    assert isinstance(tokens.decode(ids), str)


@pytest.mark.parametrize("number", [-1, tokens.VOCABULARY_SIZE])
def test_an_id_outside_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"Token id {number} is out of vocabulary"):
        tokens.decode([number])


def test_a_lone_surrogate_is_no_error() -> None:
    assert tokens.split("a\ud800") == ["a?"]


@given(TEXT, st.integers(1, 300))
def test_embeddings_are_unit_vectors_and_repeat(text: str, size: int) -> None:
    vector = embedding(text, size)
    assert len(vector) == size
    assert sum(value * value for value in vector) == pytest.approx(1)
    assert vector == embedding(text, size)


def test_different_texts_have_different_embeddings() -> None:
    product = sum(a * b for a, b in zip(embedding("red", 256), embedding("blue", 256), strict=True))
    assert abs(product) < 0.5


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("red car", "red car", 1),
        ("red car", "car RED", 1),
        ("red car", "blue car", 1 / 3),
        ("red", "sky", 0),
        ("", "", 1),
    ],
)
def test_the_score_is_the_share_of_common_words(one: str, two: str, expected: float) -> None:
    assert score(one, two) == pytest.approx(expected)
