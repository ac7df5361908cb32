"""What the engine says: an echo of the prompt, or a given text (JSON), cut and padded like a model's answer."""

from dataclasses import dataclass
from typing import Literal

from llm_serve_app.simulated import tokens

ECHO_CHARACTERS = 200
PADDING = " and so on"


@dataclass(frozen=True, slots=True)
class Limits:
    """`natural`: length of an answer that ends by itself. `most`: max_tokens or what the context leaves. In tokens."""

    natural: int
    most: int
    least: int = 0
    ignore_end: bool = False
    stop: tuple[str, ...] = ()
    include_stop: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice. `reasoning` and `content` are tokens, in the order in which they are generated."""

    reasoning: tuple[str, ...]
    content: tuple[str, ...]
    finish: Literal["stop", "length"]
    stop_reason: str | None = None

    @property
    def length(self) -> int:
        return len(self.reasoning) + len(self.content)


def echo(prompt: str, limits: Limits, *, reasoning: bool) -> Answer:
    """`simulated: <beginning of the prompt>` in as many tokens as the limits say; a quarter of them reasoning if asked."""
    wanted = limits.most if limits.ignore_end else max(limits.natural, limits.least)
    count = min(wanted, limits.most)
    thought = _padded(f"thinking about: {prompt}", max(1, count // 4)) if reasoning else []
    said, stop_reason = _stopped(_padded(f"simulated: {prompt}", count - len(thought)), limits)
    finish: Literal["stop", "length"] = "stop" if stop_reason or wanted < limits.most else "length"
    return Answer(tuple(thought), tuple(said), finish, stop_reason)


def fixed(text: str, prompt: str, limits: Limits, *, reasoning: bool) -> Answer:
    """Exactly `text`, unless max_tokens cuts it; reasoning comes before it and counts."""
    thought = _padded(f"thinking about: {prompt}", max(1, limits.natural // 4)) if reasoning else []
    thought = thought[: limits.most]
    whole = tokens.split(text)
    said, stop_reason = _stopped(whole[: limits.most - len(thought)], limits)
    cut = stop_reason is None and len(said) < len(whole)
    return Answer(tuple(thought), tuple(said), "length" if cut else "stop", stop_reason)


def _padded(text: str, count: int) -> list[str]:
    text = " ".join(text[:ECHO_CHARACTERS].split())
    missing = count * tokens.TOKEN_BYTES - len(text)
    return tokens.split(text + PADDING * max(0, missing // len(PADDING) + 1))[:count]


def _stopped(pieces: list[str], limits: Limits) -> tuple[list[str], str | None]:
    """The pieces up to the first stop string, and that string."""
    text = "".join(pieces)
    found = [(text.find(stop), stop) for stop in limits.stop if stop and stop in text]
    if not found:
        return pieces, None
    at, stop = min(found)
    return tokens.split(text[: at + len(stop)] if limits.include_stop else text[:at]), stop
