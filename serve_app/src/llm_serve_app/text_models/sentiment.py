"""Sentiment: logistic regression over words and pairs of neighbouring words."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llm_serve_app.text_models.words import words

FILE = "sentiment.json"
Matrix = NDArray[np.float64]


def terms(text: str) -> list[str]:
    """Words and pairs: `not good` is another term than `good`."""
    found = words(text)
    return found + [f"{left} {right}" for left, right in itertools.pairwise(found)]


@dataclass(frozen=True)
class SentimentModel:
    """`vocabulary` maps a term to its column; one weight each."""

    vocabulary: dict[str, int]
    weights: Matrix
    bias: float

    def scores(self, texts: Sequence[str]) -> list[float]:
        """-1 (negative) to 1 (positive) for each text, in one matrix product; 0 where no term is known."""
        logits = features(self.vocabulary, texts) @ self.weights + self.bias
        return [float(score) for score in np.tanh(logits / 2)]

    def save(self, folder: Path) -> None:
        content = {"terms": list(self.vocabulary), "weights": self.weights.tolist(), "bias": self.bias}
        (folder / FILE).write_text(json.dumps(content))

    @classmethod
    def load(cls, folder: Path) -> "SentimentModel":
        """Raises OSError when `folder` has no such model."""
        content = json.loads((folder / FILE).read_text())
        vocabulary = {term: column for column, term in enumerate(content["terms"])}
        return cls(vocabulary, np.array(content["weights"]), float(content["bias"]))


def features(vocabulary: dict[str, int], texts: Sequence[str]) -> Matrix:
    """One row per text: its known terms, scaled to length 1 so that a long text counts as much as a short one."""
    rows = np.zeros((len(texts), len(vocabulary)))
    for row, text in zip(rows, texts, strict=True):
        for term in terms(text):
            if term in vocabulary:
                row[vocabulary[term]] = 1.0
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1.0, lengths))


def fit(
    texts: Sequence[str], positive: Sequence[bool], *, steps: int = 400, rate: float = 8.0, decay: float = 2e-4
) -> SentimentModel:
    """Full-batch gradient descent on the log loss with L2 decay from zero weights: no randomness, the same model each time."""
    vocabulary = {term: column for column, term in enumerate(sorted({t for text in texts for t in terms(text)}))}
    rows, wanted = features(vocabulary, texts), np.array(positive, dtype=float)
    weights, bias = np.zeros(len(vocabulary)), 0.0
    for _ in range(steps):
        error = 1 / (1 + np.exp(-(rows @ weights + bias))) - wanted
        weights -= rate * (rows.T @ error / len(texts) + decay * weights)
        bias -= rate * 0.1 * float(error.mean())
    return SentimentModel(vocabulary, weights, 0.0 if abs(bias) < 1e-9 else bias)
