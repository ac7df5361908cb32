"""One question to an OpenAI API, streamed, with times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import openai
from cluster.shell import ClusterError


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole text; seconds from the request to the first token and to the end."""

    text: str
    first_token_seconds: float
    total_seconds: float
    tokens: int


def ask(base_url: str, model: str, question: str, *, tell: Callable[[str], None], seconds: float = 120) -> Answer:
    """Stream the answer at temperature 0, passing each piece to `tell`. Raises ClusterError with what the server said."""
    client = openai.OpenAI(base_url=base_url, api_key="not-needed", timeout=seconds, max_retries=0)
    begin, first, pieces = time.monotonic(), 0.0, []
    try:
        stream = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], temperature=0, max_tokens=64, stream=True
        )
        for chunk in stream:
            piece = chunk.choices[0].delta.content if chunk.choices else None
            if piece:
                first = first or time.monotonic() - begin
                pieces.append(piece)
                tell(piece)
    except openai.OpenAIError as error:
        raise ClusterError(f"{base_url} does not answer as an OpenAI API: {type(error).__name__}: {error}") from error
    return Answer("".join(pieces), first, time.monotonic() - begin, len(pieces))
