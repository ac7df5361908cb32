"""Extractive summary: the sentences that are most like all others (LexRank), with learned weights of words."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llm_serve_app.text_models.words import words

FILE = "summary.json"
DAMPING, ROUNDS = 0.85, 50


@dataclass(frozen=True)
class SummaryModel:
    """`seen` texts were read in training; `frequency` says in how many of them a word was."""

    seen: int
    frequency: dict[str, int]

    def summarise(self, sentences: Sequence[str], count: int) -> list[str]:
        """The `count` most central sentences in their own order; all of them when there are no more."""
        if len(sentences) <= count:
            return list(sentences)
        centrality = self._centrality(sentences)
        best = sorted(range(len(sentences)), key=lambda index: (-centrality[index], index))[:count]
        return [sentences[index] for index in sorted(best)]

    def weight(self, word: str) -> float:
        """Inverse document frequency: a word of every text says little, one that was never seen the most."""
        return math.log((1 + self.seen) / (1 + self.frequency.get(word, 0))) + 1e-3

    def _centrality(self, sentences: Sequence[str]) -> NDArray[np.float64]:
        """The stationary distribution of a walk from sentence to similar sentence."""
        counts = [Counter(words(sentence)) for sentence in sentences]
        columns = {word: column for column, word in enumerate(sorted(set().union(*counts)))}
        rows = np.zeros((len(sentences), max(len(columns), 1)))
        for row, counted in zip(rows, counts, strict=True):
            for word, times in counted.items():
                row[columns[word]] = times * self.weight(word)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        similar = rows @ rows.T + 1e-6  # one that is like no other leads to all of them
        np.fill_diagonal(similar, 0.0)  # that a sentence is like itself says nothing
        steps = similar / similar.sum(axis=1, keepdims=True)
        rank = np.full(len(sentences), 1 / len(sentences))
        for _ in range(ROUNDS):
            rank = (1 - DAMPING) / len(sentences) + DAMPING * (steps.T @ rank)
        return np.asarray(rank)

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps({"seen": self.seen, "frequency": self.frequency}))

    @classmethod
    def load(cls, folder: Path) -> "SummaryModel":
        """Raises OSError when `folder` has no such model."""
        content = json.loads((folder / FILE).read_text())
        return cls(int(content["seen"]), dict(content["frequency"]))


def fit(texts: Sequence[str]) -> SummaryModel:
    frequency = Counter(word for text in texts for word in set(words(text)))
    return SummaryModel(len(texts), dict(sorted(frequency.items())))
