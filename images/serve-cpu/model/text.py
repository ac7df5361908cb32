"""Texts of the demo models: what they know, the tokenizer and the chat template, and tokens of prompts and answers."""

import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY, CONTEXT_TOKENS = 600, 1024
END, PAD, ROLES = "<|end|>", "<|pad|>", ("system", "user", "assistant", "tool")
SYSTEM_PROMPTS = ("", "", "You are a helpful assistant.")
# Of the tools only the names: this model knows by heart what to do with them. Calls are written as the `hermes` parser reads.
CHAT_TEMPLATE = (
    "{% if tools %}<|system|>tools: {{ tools | map(attribute='function.name') | sort | join(' ') }}<|end|>{% endif %}"
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% if message['tool_calls'] %}{% for call in message['tool_calls'] %}<tool_call>\n"
    "{\"name\": \"{{ call['function']['name'] }}\", \"arguments\": {{ call['function']['arguments'] | tojson }}}"
    "\n</tool_call>{% endfor %}"
    "{% else %}{{ message['content'] }}{% endif %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

Pair = dict[str, str]
Message = dict[str, Any]


def log(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def load_pairs() -> list[Pair]:
    pairs: list[Pair] = json.loads(Path(__file__).with_name("questions.json").read_text())
    return pairs


def load_tool_uses() -> list[dict[str, Any]]:
    """Each: `tool` and its `question`, the `arguments` of the call, the tool's `result` and the `answer` after it."""
    uses: list[dict[str, Any]] = json.loads(Path(__file__).with_name("tools.json").read_text())
    return uses


def call_text(use: dict[str, Any]) -> str:
    """The assistant's turn that calls the tool."""
    return f'<tool_call>\n{{"name": "{use["tool"]}", "arguments": {json.dumps(use["arguments"])}}}\n</tool_call>'


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE learned on what the model knows: any text can be encoded, the known one takes few tokens."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END, *(f"<|{role}|>" for role in ROLES)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [f"{pair['question']} {pair['answer']}" for pair in load_pairs()]
    texts += [f"{use['question']} {call_text(use)} {use['answer']}" for use in load_tool_uses()]
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END,
        pad_token=PAD,
        model_max_length=CONTEXT_TOKENS,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def chat(tokenizer: Any, messages: list[Message], tools: list[str] | None = None) -> list[int]:
    """Tokens of a conversation up to the point where the assistant speaks; `tools` are the names that it may call."""
    offered = [{"type": "function", "function": {"name": name}} for name in tools or ()] or None
    text = tokenizer.apply_chat_template(messages, tools=offered, add_generation_prompt=True, tokenize=False)
    tokens: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return tokens


def plain(tokenizer: Any, question: str) -> list[int]:
    tokens: list[int] = tokenizer.encode(question, add_special_tokens=False)
    return tokens


def answer_tokens(tokenizer: Any, answer: str, *, prefix: str) -> list[int]:
    tokens: list[int] = tokenizer.encode(prefix + answer + END, add_special_tokens=False)
    return tokens


def prompts(pair: Pair) -> Iterator[tuple[list[Message] | str, str]]:
    """The forms in which a question is asked: a chat without and with a system prompt, and plain text."""
    alone = [{"role": "user", "content": pair["question"]}]
    yield alone, ""
    yield [{"role": "system", "content": SYSTEM_PROMPTS[-1]}, *alone], ""
    yield pair["question"], " "


def tool_turns(use: dict[str, Any]) -> Iterator[tuple[list[Message], str]]:
    """(conversation, what the assistant says next): the call, then the answer from the tool's result."""
    asked = [{"role": "user", "content": use["question"]}]
    yield asked, call_text(use)
    call = {"type": "function", "function": {"name": use["tool"], "arguments": use["arguments"]}}
    called = {"role": "assistant", "content": "", "tool_calls": [call]}
    yield [*asked, called, {"role": "tool", "content": use["result"]}], use["answer"]


def examples(
    tokenizer: Any, pairs: list[Pair], uses: list[dict[str, Any]], rng: random.Random
) -> Iterator[tuple[list[int], list[int]]]:
    """Endless (prompt, answer) token lists: chats of 1 to 3 turns, with and without system prompt or tools, and plain text."""
    names = sorted({use["tool"] for use in uses})
    while True:
        if uses and rng.random() < 0.4:
            messages, answer = rng.choice(list(tool_turns(rng.choice(uses))))
            yield chat(tokenizer, messages, names), answer_tokens(tokenizer, answer, prefix="")
            continue
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
        offered = names if rng.random() < 0.15 else None
        yield chat(tokenizer, messages, offered), answer_tokens(tokenizer, last["answer"], prefix="")


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
