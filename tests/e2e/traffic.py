"""Requests in a loop beside a test: how many failed, and how long the slowest took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import openai


@dataclass(slots=True)
class Traffic:
    """What happened so far."""

    answered: int = 0
    slowest_seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


@contextmanager
def traffic(base_url: str, model: str, question: str, answer: str) -> Iterator[Traffic]:
    """One request after the other while the context is open; a wrong answer is a failure too."""
    seen, stop = Traffic(), threading.Event()
    client = openai.OpenAI(base_url=base_url, api_key="not-needed", timeout=60, max_retries=0)

    def loop() -> None:
        while not stop.is_set():
            begin = time.monotonic()
            try:
                said = client.chat.completions.create(
                    model=model, messages=[{"role": "user", "content": question}], temperature=0, max_tokens=32
                )
                if said.choices[0].message.content != answer:
                    seen.failures.append(f"answered {said.choices[0].message.content!r}")
                seen.answered += 1
            except openai.OpenAIError as error:
                seen.failures.append(f"{type(error).__name__}: {error}")
            seen.slowest_seconds = max(seen.slowest_seconds, time.monotonic() - begin)
            stop.wait(0.2)  # a steady load, not a benchmark: two cores do the rest of the test too

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(timeout=70)
