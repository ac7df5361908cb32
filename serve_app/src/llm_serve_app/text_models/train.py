"""Trains both models from examples.tsv, in a second; run when an image is built.

Usage: python -m llm_serve_app.text_models.train FOLDER
Fails when the sentiment model does not know what it was taught.
"""

import sys
from importlib import resources
from pathlib import Path

from llm_serve_app.text_models import sentiment, summary

LABELS = ("negative", "positive")


def examples() -> list[tuple[str, str]]:
    """(label, text) of each line."""
    lines = (resources.files(__package__) / "examples.tsv").read_text().splitlines()
    pairs = [(label, text) for label, _, text in (line.partition("\t") for line in lines) if text]
    if {label for label, _ in pairs} != set(LABELS):
        raise ValueError(f"examples.tsv: each line is one of {LABELS}, a tab and a text")
    return pairs


def train(folder: Path) -> float:
    """Writes both models into `folder`; returns the share of the examples that the sentiment model gets right."""
    pairs = examples()
    texts, positive = [text for _, text in pairs], [label == "positive" for label, _ in pairs]
    model = sentiment.fit(texts, positive)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder)
    summary.fit(texts).save(folder)
    right = [(score > 0) == wanted for score, wanted in zip(model.scores(texts), positive, strict=True)]
    return sum(right) / len(right)


def main(argv: list[str]) -> int:
    if len(argv) != 1:
        sys.stderr.write("usage: python -m llm_serve_app.text_models.train FOLDER\n")
        return 2
    share = train(Path(argv[0]))
    sys.stdout.write(f"sentiment model: {share:.1%} of the examples right; saved to {argv[0]}\n")
    return 0 if share >= 0.99 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
