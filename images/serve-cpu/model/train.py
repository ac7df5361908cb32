"""Trains the demo model: a Llama of 0.3 million parameters that knows the answers of questions.json and tools.json by heart.

Real weights, tokenizer and chat template in the Hugging Face layout, so an engine loads it like any other model, and a
wrong wiring of one of the three shows as a wrong answer. Fixed seed, one thread: the same machine gives the same weights.
Fails when the trained model does not answer every question by greedy decoding, in every form that it was taught.

Usage: python3 train.py OUTPUT_DIRECTORY
"""

import random
import sys
import time
from pathlib import Path
from typing import Any

import torch
from text import (
    CONTEXT_TOKENS,
    Pair,
    chat,
    collate,
    examples,
    load_pairs,
    load_tool_uses,
    log,
    make_tokenizer,
    plain,
    prompts,
    tool_turns,
)
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SEED, STEPS, BATCH_SIZE, LEARNING_RATE = 20, 800, 16, 3e-3
LEAST_PROBABILITY = 0.95  # of every answer token, so that sampling is right as well


def make_config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    model = LlamaForCausalLM(make_config(tokenizer))
    # top_k 1: an engine's default sampling is then greedy, so a client that sets no temperature gets the answer as well.
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=True, top_k=1
    )
    return model


def train(
    model: LlamaForCausalLM,
    tokenizer: Any,
    pairs: list[Pair],
    uses: list[dict[str, Any]],
    *,
    steps: int = STEPS,
    rate: float = LEARNING_RATE,
) -> None:
    """Trains the parameters that want a gradient."""
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    source = examples(tokenizer, pairs, uses, random.Random(SEED))  # noqa: S311
    for step in range(steps):
        tokens, labels = collate([next(source) for _ in range(BATCH_SIZE)], tokenizer.pad_token_id)
        loss = model(input_ids=tokens, labels=labels).loss
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 100 == 99:
            log(f"step {step + 1}/{steps}: loss {loss.item():.5f}")


def check(model: LlamaForCausalLM, tokenizer: Any, pairs: list[Pair], uses: list[dict[str, Any]]) -> None:
    """Raises SystemExit when a greedy answer is wrong or one of its tokens is less likely than LEAST_PROBABILITY."""
    names = sorted({use["tool"] for use in uses})
    cases: list[tuple[list[int], str]] = []
    for pair in pairs:
        for prompt, _ in prompts(pair):
            tokens = plain(tokenizer, prompt) if isinstance(prompt, str) else chat(tokenizer, prompt)
            cases.append((tokens, pair["answer"]))
    for use in uses:
        cases += [(chat(tokenizer, messages, names), answer) for messages, answer in tool_turns(use)]
    least = min(_probability(model, tokenizer, tokens, answer) for tokens, answer in cases)
    log(f"{len(cases)} prompts answered right; least token probability {least:.4f}")
    if least < LEAST_PROBABILITY:
        sys.exit(f"least token probability {least:.4f} < {LEAST_PROBABILITY}: raise the number of steps")


def _probability(model: LlamaForCausalLM, tokenizer: Any, prompt: list[int], answer: str) -> float:
    """Of the least likely token of the greedy answer, which must be `answer`."""
    out = model.generate(
        torch.tensor([prompt]),
        do_sample=False,
        top_k=None,
        max_new_tokens=80,
        output_scores=True,
        return_dict_in_generate=True,
    )
    got = tokenizer.decode(out.sequences[0, len(prompt) :], skip_special_tokens=True).strip()
    if got != answer:
        sys.exit(
            f"the model answers {tokenizer.decode(prompt)!r} with {got!r}, not {answer!r}: raise STEPS or change SEED"
        )
    return min(float(score.softmax(-1).max()) for score in out.scores)


def prepare() -> None:
    """The same weights each time."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def main(output: Path) -> None:
    start = time.monotonic()
    prepare()
    pairs, uses, tokenizer = load_pairs(), load_tool_uses(), make_tokenizer()
    model = make_model(tokenizer)
    log(f"{sum(p.numel() for p in model.parameters())} parameters, {len(tokenizer)} tokens")
    train(model.train(), tokenizer, pairs, uses)
    model.eval()
    check(model, tokenizer, pairs, uses)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    log(f"saved to {output} after {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
