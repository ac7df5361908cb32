"""Text to words and sentences, the same way in training and in serving."""

import re
import unicodedata

WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")


def clean(text: str) -> str:
    """One form for every character (NFKC), straight quotes, single spaces."""
    plain = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return " ".join(plain.split())


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def sentences(text: str) -> list[str]:
    """The sentences of a cleaned text, in order; none for an empty text."""
    return [part for part in SENTENCE_END.split(text) if part]
