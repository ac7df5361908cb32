"""Tokens of the simulated engine: up to 4 bytes of UTF-8 each, about as long as a real tokenizer's.

No vocabulary is needed: a token's id holds its bytes, so ids and text convert both ways in every replica alike.
"""

from collections.abc import Iterable

TOKEN_BYTES = 4
# Ids of the tokens of 1, 2, 3, 4 bytes begin here; the last entry is the size of the vocabulary.
_FIRST_ID = (0, 2**8, 2**8 + 2**16, 2**8 + 2**16 + 2**24, 2**8 + 2**16 + 2**24 + 2**32)
VOCABULARY_SIZE = _FIRST_ID[-1]


def split(text: str) -> list[str]:
    """The text in tokens, in order; joined they are the text again. Lone surrogates become question marks."""
    pieces: list[str] = []
    size = TOKEN_BYTES
    for char in text.encode("utf-8", "replace").decode("utf-8"):
        width = len(char.encode("utf-8"))
        if size + width > TOKEN_BYTES:
            pieces.append(char)
            size = width
        else:
            pieces[-1] += char
            size += width
    return pieces


def token_id(piece: str) -> int:
    """Id of one token as `split` gives it."""
    data = piece.encode("utf-8")
    return _FIRST_ID[len(data) - 1] + int.from_bytes(data, "big")


def encode(text: str) -> list[int]:
    """Ids of the text's tokens."""
    return [token_id(piece) for piece in split(text)]


def decode(ids: Iterable[int]) -> str:
    """Text of token ids; bytes that are no UTF-8 become U+FFFD. Raises ValueError for an id outside the vocabulary."""
    return b"".join(_bytes(number) for number in ids).decode("utf-8", "replace")


def _bytes(number: int) -> bytes:
    if not 0 <= number < VOCABULARY_SIZE:
        raise ValueError(f"Token id {number} is out of vocabulary: ids are 0 to {VOCABULARY_SIZE - 1}")
    length = next(size for size in range(TOKEN_BYTES, 0, -1) if number >= _FIRST_ID[size - 1])
    return (number - _FIRST_ID[length - 1]).to_bytes(length, "big")
