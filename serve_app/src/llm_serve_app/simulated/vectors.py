"""Embeddings and scores: deterministic, from the text alone."""

import hashlib
import math
import random


def embedding(text: str, size: int) -> list[float]:
    """A unit vector; equal texts have equal vectors, different ones are nearly orthogonal for large sizes."""
    generator = random.Random(hashlib.sha256(text.encode("utf-8", "replace")).digest())  # noqa: S311
    values = [generator.gauss(0, 1) for _ in range(size)]
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def score(first: str, second: str) -> float:
    """Share of the words of both texts that they have in common, 0..1 (1 for two empty texts)."""
    one, two = set(first.lower().split()), set(second.lower().split())
    return len(one & two) / len(one | two) if one | two else 1.0
