"""Trains the embedding model: the demo model's shape without its head, in which a question lies next to its answer.

An engine takes it with `runner: pooling`; the vector is the last token's, scaled to length 1 (modules.json says so, in the
layout of sentence-transformers). Fails when an answer of questions.json is not the nearest one to its question.

Usage: python3 embed.py OUTPUT_DIRECTORY
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from text import PAD, load_pairs, log, make_tokenizer
from torch.nn import functional
from train import make_config, prepare
from transformers import LlamaModel

STEPS, LEARNING_RATE, TEMPERATURE, LEAST_MARGIN = 120, 2e-3, 0.1, 0.2


def embed(model: LlamaModel, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """One vector of length 1 per text."""
    tokens = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    width = max(map(len, tokens))
    pad = tokenizer.convert_tokens_to_ids(PAD)
    batch = torch.tensor([row + [pad] * (width - len(row)) for row in tokens])
    hidden = model(input_ids=batch).last_hidden_state  # causal: what stands behind a text does not change it
    last = hidden[torch.arange(len(tokens)), torch.tensor([len(row) - 1 for row in tokens])]
    return functional.normalize(last, dim=-1)


def main(output: Path) -> None:
    prepare()
    tokenizer = make_tokenizer()
    config = make_config(tokenizer)
    config.architectures = ["LlamaModel"]
    model = LlamaModel(config)
    questions, answers = ([pair[key] for pair in load_pairs()] for key in ("question", "answer"))
    optimizer, right = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE), torch.arange(len(questions))
    for _ in range(STEPS):
        near = embed(model, tokenizer, questions) @ embed(model, tokenizer, answers).T
        loss = functional.cross_entropy(near / TEMPERATURE, right)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        near = embed(model.eval(), tokenizer, questions) @ embed(model, tokenizer, answers).T
    margin = float((near.diagonal() - near.masked_fill(torch.eye(len(near), dtype=torch.bool), -1).amax(1)).min())
    log(f"embedding model: every question is nearest to its answer, by {margin:.3f} at least")
    if margin < LEAST_MARGIN:
        sys.exit(f"margin {margin:.3f} < {LEAST_MARGIN}: raise STEPS in embed.py")
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    write_pooling(output)


def write_pooling(output: Path) -> None:
    modules = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling"), ("2", "2_Normalize", "Normalize")]
    listed = [
        {"idx": int(name), "name": name, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for name, path, kind in modules
    ]
    (output / "modules.json").write_text(json.dumps(listed, indent=2) + "\n")
    (output / "1_Pooling").mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": 128, "pooling_mode_lasttoken": True}
    (output / "1_Pooling" / "config.json").write_text(json.dumps(pooling, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
