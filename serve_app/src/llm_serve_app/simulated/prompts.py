"""From an OpenAI request to a prompt, limits and a structure; what the engine refuses, with vLLM's status and words."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlparse

from llm_serve_app.simulated import tokens
from llm_serve_app.simulated.answer import Limits
from llm_serve_app.simulated.instance import instance

MEDIA_TOKENS = 256  # what an image, a video or a sound counts in the prompt
REFUSED = ("prompt_logprobs", "use_beam_search", "prompt_embeds")


class Refused(ValueError):
    """A request that gets an error answer: `status` and `kind` as vLLM gives them."""

    def __init__(self, message: str, status: int = 400, kind: str = "BadRequestError") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


@dataclass(frozen=True, slots=True)
class Media:
    """What a model takes besides text: `limits` per modality (limit_mm_per_prompt), `domains` (allowed_media_domains)."""

    limits: Mapping[str, int] = field(default_factory=dict)
    domains: tuple[str, ...] = ()


def render(messages: Iterable[Mapping[str, Any]], media: Media) -> tuple[str, str, int]:
    """The prompt, the last user's text, and the number of media parts. Raises Refused."""
    lines, last, counts = [], "", dict[str, int]()
    for message in messages:
        text = _content(message.get("content"), counts, media)
        lines.append(f"<|{message.get('role')}|>\n{text}\n")
        last = text if message.get("role") == "user" else last
    for modality, count in counts.items():
        most = media.limits.get(modality, count)
        if count > most:
            raise Refused(f"At most {most} {modality}(s) may be provided in one prompt.")
    return "".join(lines) + "<|assistant|>\n", last, sum(counts.values())


def _content(content: Any, counts: dict[str, int], media: Media) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for part in content:
        kind = str(part.get("type", "text"))
        if kind in ("text", "input_text", "refusal"):
            texts.append(str(part.get("text") or part.get("refusal") or ""))
            continue
        modality = next((name for name in ("image", "video", "audio") if name in kind), kind)
        counts[modality] = counts.get(modality, 0) + 1
        _check_domain(part.get(kind), media.domains)
        texts.append(f"<|{modality}|>")
    return " ".join(texts)


def _check_domain(value: Any, domains: tuple[str, ...]) -> None:
    url = value.get("url") if isinstance(value, Mapping) else value
    parsed = urlparse(url) if isinstance(url, str) else None
    if parsed and domains and parsed.scheme in ("http", "https") and parsed.hostname not in domains:
        raise Refused(
            f"The URL must be from one of the allowed domains: {list(domains)}. Input URL domain: {parsed.hostname}"
        )


def check_fields(request: Any) -> None:
    """Raises Refused for what the engine cannot simulate. Only sampling (temperature, top_p, penalties) has no effect."""
    if getattr(request, "n", None) is not None and request.n < 1:
        raise Refused(f"n must be at least 1, got {request.n}.")
    for name in REFUSED:
        if getattr(request, name, None):
            raise Refused(f"`{name}` is not possible with the simulated engine")
    if getattr(request, "logprobs", None) not in (None, False):
        raise Refused("`logprobs` is not possible with the simulated engine: it has no probabilities")
    if getattr(request, "suffix", None):
        raise Refused("suffix is not currently supported")


def limits(request: Any, most: int | None, prompt_tokens: int, context: int, natural: int) -> Limits:
    """`most`: max_tokens of the request. Raises Refused when prompt and answer exceed the context length, or vLLM would."""
    if most is not None and most < 1:
        raise Refused(f"max_tokens must be at least 1, got {most}.")
    if most is not None and request.min_tokens > most:
        raise Refused(f"min_tokens must be less than or equal to max_tokens={most}, got {request.min_tokens}.")
    if prompt_tokens + (most if most is not None else 1) > context:
        asked = most if most is not None else 1
        raise Refused(
            f"This model's maximum context length is {context} tokens. However, you requested {asked} output tokens and "
            f"your prompt contains {prompt_tokens} input tokens, for a total of {prompt_tokens + asked} tokens. Please "
            "reduce the length of the input prompt or the number of requested output tokens."
        )
    stop = [request.stop] if isinstance(request.stop, str) else list(request.stop or [])
    return Limits(
        natural=natural,
        most=most if most is not None else context - prompt_tokens,
        least=request.min_tokens,
        ignore_end=request.ignore_eos,
        stop=tuple(stop),
        include_stop=request.include_stop_str_in_output,
    )


def structured(request: Any) -> str | None:
    """The text that response_format or structured_outputs ask for; None for free text. Raises Refused."""
    wanted = getattr(request, "response_format", None)
    if wanted is not None and wanted.type == "json_schema":
        return _instance(wanted.json_schema.json_schema or {})
    if wanted is not None and wanted.type == "json_object":
        return json.dumps({"simulated": True})
    if wanted is not None and wanted.type != "text":
        raise Refused(f"response_format {wanted.type} is not possible with the simulated engine")
    outputs = getattr(request, "structured_outputs", None)
    if outputs is None:
        return None
    if outputs.json is not None:
        return _instance(json.loads(outputs.json) if isinstance(outputs.json, str) else outputs.json)
    if outputs.choice:
        return str(outputs.choice[0])
    if outputs.json_object:
        return json.dumps({"simulated": True})
    raise Refused("structured_outputs: the simulated engine knows json, json_object and choice only")


def arguments(tool: Any) -> str:
    """JSON arguments of a call of the tool. Raises Refused."""
    return _instance(tool.function.parameters or {"type": "object"})


def called_tool(request: Any) -> Any | None:
    """The tool that tool_choice asks for: the named one, the first for `required`, none for `auto` and `none`."""
    choice = getattr(request, "tool_choice", None)
    tools = getattr(request, "tools", None) or []
    if choice is None or choice in ("none", "auto"):
        return None
    named = [tool for tool in tools if choice == "required" or tool.function.name == choice.function.name]
    if not named:
        raise Refused(f"tool_choice: no such tool among {[tool.function.name for tool in tools]}")
    return named[0]


def _instance(schema: Any) -> str:
    try:
        return json.dumps(instance(schema))
    except ValueError as error:
        raise Refused(str(error)) from error


def prompt_texts(prompt: Any) -> list[str]:
    """The prompts of a completion or embedding request: text, token ids, or lists of them. Raises Refused."""
    if isinstance(prompt, str):
        return [prompt]
    if not prompt:
        raise Refused("Either prompt or prompt_embeds must be provided and non-empty.")
    try:
        if isinstance(prompt[0], int):
            return [tokens.decode(prompt)]
        return [item if isinstance(item, str) else tokens.decode(item) for item in prompt]
    except ValueError as error:
        raise Refused(str(error)) from error
