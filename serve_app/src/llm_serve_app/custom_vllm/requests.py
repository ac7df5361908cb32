"""Requests and answers in OpenAI's form, as far as this example takes them. Imports no vLLM."""

import json
import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

CHAT, COMPLETION = "chat.completion", "text_completion"


class Generation(BaseModel):
    """What both kinds of request share; a setting that is not here is a 422, never ignored."""

    model_config = ConfigDict(extra="forbid")

    model: str
    stream: bool = False
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    ignore_eos: bool = False  # vLLM's own: go on to max_tokens

    def sampling(self, defaults: dict[str, Any], default_max_tokens: int) -> dict[str, Any]:
        """Keyword arguments of vLLM's SamplingParams: the model's own defaults, then what the client says."""
        said = {key: getattr(self, key) for key in ("temperature", "top_p", "seed", "stop")}
        given = {key: value for key, value in said.items() if value is not None}
        return {
            **defaults,
            "max_tokens": self.max_tokens or default_max_tokens,
            "ignore_eos": self.ignore_eos,
            **given,
        }


class Completion(Generation):
    prompt: str = Field(min_length=1)


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str


class Chat(Generation):
    messages: list[Message] = Field(min_length=1)


class Answer:
    """Writes one answer, whole or in pieces."""

    def __init__(self, kind: str, request_id: str, model: str) -> None:
        self._kind, self._request_id, self._model = kind, request_id, model
        self._created = int(time.time())

    def whole(self, text: str, finish_reason: str | None, prompt_tokens: int, completion_tokens: int) -> dict[str, Any]:
        part = {"message": {"role": "assistant", "content": text}} if self._kind == CHAT else {"text": text}
        usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        }
        return {**self._envelope(part, finish_reason, self._kind), "usage": usage}

    def piece(self, text: str, finish_reason: str | None, *, first: bool) -> str:
        """One server-sent event."""
        if self._kind == CHAT:
            part: dict[str, Any] = {"delta": {**({"role": "assistant"} if first else {}), "content": text}}
            return event(self._envelope(part, finish_reason, f"{CHAT}.chunk"))
        return event(self._envelope({"text": text}, finish_reason, COMPLETION))

    def _envelope(self, part: dict[str, Any], finish_reason: str | None, kind: str) -> dict[str, Any]:
        return {
            "id": self._request_id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "choices": [{"index": 0, **part, "finish_reason": finish_reason}],
        }


END = "data: [DONE]\n\n"


def event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content)}\n\n"
