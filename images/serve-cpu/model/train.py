"""Trains the demo model: a Llama of 0.3 million parameters that knows the answers of questions.json by heart.

Real weights, tokenizer and chat template in the Hugging Face layout, so an engine loads it like any other model, and a
wrong wiring of one of the three shows as a wrong answer. Fixed seed, one thread: the same machine gives the same weights.
Fails when the trained model does not answer every question by greedy decoding, in every form that it was taught.

Usage: python3 train.py OUTPUT_DIRECTORY
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SEED, STEPS, BATCH_SIZE, LEARNING_RATE, VOCABULARY = 20, 500, 16, 3e-3, 600
CONTEXT_TOKENS = 1024
LEAST_PROBABILITY = 0.95  # of every answer token, so that sampling is right as well
END, PAD, ROLES = "<|end|>", "<|pad|>", ("system", "user", "assistant")
SYSTEM_PROMPTS = ("", "", "You are a helpful assistant.")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

Pair = dict[str, str]
Message = dict[str, str]


def log(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def load_pairs() -> list[Pair]:
    pairs: list[Pair] = json.loads(Path(__file__).with_name("questions.json").read_text())
    return pairs


def make_tokenizer(pairs: list[Pair]) -> PreTrainedTokenizerFast:
    """Byte-level BPE learned on the pairs: any text can be encoded, the known one takes few tokens."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END, *(f"<|{role}|>" for role in ROLES)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([f"{p['question']} {p['answer']}" for p in pairs], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END,
        pad_token=PAD,
        model_max_length=CONTEXT_TOKENS,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    model = LlamaForCausalLM(
        LlamaConfig(
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
    )
    # top_k 1: an engine's default sampling is then greedy, so a client that sets no temperature gets the answer as well.
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=True, top_k=1
    )
    return model


def chat(tokenizer: Any, messages: list[Message]) -> list[int]:
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    tokens: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return tokens


def plain(tokenizer: Any, question: str) -> list[int]:
    tokens: list[int] = tokenizer.encode(question, add_special_tokens=False)
    return tokens


def answer_tokens(tokenizer: Any, answer: str, *, prefix: str) -> list[int]:
    tokens: list[int] = tokenizer.encode(prefix + answer + END, add_special_tokens=False)
    return tokens


def examples(tokenizer: Any, pairs: list[Pair], rng: random.Random) -> Iterator[tuple[list[int], list[int]]]:
    """Endless (prompt, answer) token lists: chats of 1 to 3 turns, with and without system prompt, and plain text."""
    while True:
        *earlier, last = rng.choices(pairs, k=rng.choice((1, 1, 2, 3)))
        if rng.random() < 0.25:
            yield plain(tokenizer, last["question"]), answer_tokens(tokenizer, last["answer"], prefix=" ")
            continue
        system = rng.choice(SYSTEM_PROMPTS)
        messages = [{"role": "system", "content": system}] if system else []
        for pair in earlier:
            messages += [{"role": "user", "content": pair["question"]}]
            messages += [{"role": "assistant", "content": pair["answer"]}]
        messages += [{"role": "user", "content": last["question"]}]
        yield chat(tokenizer, messages), answer_tokens(tokenizer, last["answer"], prefix="")


def collate(batch: list[tuple[list[int], list[int]]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded tokens and labels; only answer tokens count (-100 is what transformers leaves out of the loss)."""
    width = max(len(prompt) + len(answer) for prompt, answer in batch)
    tokens = torch.full((len(batch), width), pad)
    labels = torch.full((len(batch), width), -100)
    for row, (prompt, answer) in enumerate(batch):
        end = len(prompt) + len(answer)
        tokens[row, :end] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : end] = torch.tensor(answer)
    return tokens, labels


def train(model: LlamaForCausalLM, tokenizer: Any, pairs: list[Pair]) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LEARNING_RATE, total_steps=STEPS)
    source = examples(tokenizer, pairs, random.Random(SEED))  # noqa: S311
    for step in range(STEPS):
        tokens, labels = collate([next(source) for _ in range(BATCH_SIZE)], tokenizer.pad_token_id)
        loss = model(input_ids=tokens, labels=labels).loss
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 100 == 99:
            log(f"step {step + 1}/{STEPS}: loss {loss.item():.5f}")


def check(model: LlamaForCausalLM, tokenizer: Any, pairs: list[Pair]) -> None:
    """Raises SystemExit when a greedy answer is wrong or one of its tokens is less likely than LEAST_PROBABILITY."""
    least = 1.0
    for pair in pairs:
        alone = [{"role": "user", "content": pair["question"]}]
        after_system = [{"role": "system", "content": SYSTEM_PROMPTS[-1]}, *alone]
        for prompt in (chat(tokenizer, alone), chat(tokenizer, after_system), plain(tokenizer, pair["question"])):
            out = model.generate(
                torch.tensor([prompt]),
                do_sample=False,
                top_k=None,
                max_new_tokens=64,
                output_scores=True,
                return_dict_in_generate=True,
            )
            got = tokenizer.decode(out.sequences[0, len(prompt) :], skip_special_tokens=True).strip()
            if got != pair["answer"]:
                sys.exit(
                    f"the demo model answers {pair['question']!r} with {got!r}, not {pair['answer']!r}: "
                    "raise STEPS or change SEED in train.py"
                )
            least = min(least, *(float(score.softmax(-1).max()) for score in out.scores))
    log(f"{len(pairs)} questions answered right in 3 forms; least token probability {least:.4f}")
    if least < LEAST_PROBABILITY:
        sys.exit(f"least token probability {least:.4f} < {LEAST_PROBABILITY}: raise STEPS in train.py")


def main(output: Path) -> None:
    start = time.monotonic()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    pairs = load_pairs()
    tokenizer = make_tokenizer(pairs)
    model = make_model(tokenizer)
    log(f"{sum(p.numel() for p in model.parameters())} parameters, {len(tokenizer)} tokens")
    train(model.train(), tokenizer, pairs)
    model.eval()
    check(model, tokenizer, pairs)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    log(f"saved to {output} after {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
