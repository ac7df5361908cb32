import json
from types import SimpleNamespace
from typing import Any

import pytest
from llm_serve_app.simulated import prompts
from llm_serve_app.simulated.prompts import Media, Refused

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def tool(name: str) -> SimpleNamespace:
    return SimpleNamespace(function=SimpleNamespace(name=name, parameters=SCHEMA))


def asked(**fields: Any) -> SimpleNamespace:
    return SimpleNamespace(
        **{"stop": None, "min_tokens": 0, "ignore_eos": False, "include_stop_str_in_output": False, **fields}
    )


def test_messages_become_one_prompt() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "Who"}, {"type": "text", "text": "are you?"}]},
        {"role": "assistant", "content": None},
    ]
    prompt, last, media = prompts.render(messages, Media())
    assert prompt == "<|system|>\nBe short.\n<|user|>\nWho are you?\n<|assistant|>\n\n<|assistant|>\n"
    assert (last, media) == ("Who are you?", 0)


def test_media_are_counted_and_marked() -> None:
    message = {
        "role": "user",
        "content": [image("data:image/png;base64,AA"), {"type": "input_audio", "input_audio": {}}],
    }
    _, last, media = prompts.render([message], Media())
    assert (last, media) == ("<|image|> <|audio|>", 2)


@pytest.mark.parametrize(
    ("media", "message"),
    [
        (Media(limits={"image": 1}), r"At most 1 image\(s\) may be provided in one prompt."),
        (Media(domains=("example.org",)), "must be from one of the allowed domains.*Input URL domain: example.com"),
    ],
)
def test_too_many_media_or_foreign_ones_are_refused(media: Media, message: str) -> None:
    content = [image("https://example.com/a.png"), image("https://example.com/b.png")]
    with pytest.raises(Refused, match=message):
        prompts.render([{"role": "user", "content": content}], media)


def test_an_allowed_domain_and_data_are_accepted() -> None:
    content = [image("https://example.org/a.png"), image("data:image/png;base64,AA")]
    assert prompts.render([{"role": "user", "content": content}], Media(domains=("example.org",)))[2] == 2


def test_limits_come_from_the_request() -> None:
    limits = prompts.limits(asked(stop="x", min_tokens=3), 20, 10, 100, 32)
    assert (limits.natural, limits.most, limits.least, limits.stop) == (32, 20, 3, ("x",))
    assert prompts.limits(asked(), None, 10, 100, 32).most == 90


@pytest.mark.parametrize(("most", "prompt", "total"), [(91, 10, 101), (None, 100, 101)])
def test_a_request_beyond_the_context_is_refused_with_the_sum(most: int | None, prompt: int, total: int) -> None:
    with pytest.raises(Refused, match=f"maximum context length is 100 tokens.*for a total of {total} tokens") as caught:
        prompts.limits(asked(), most, prompt, 100, 32)
    assert (caught.value.status, caught.value.kind) == (400, "BadRequestError")


@pytest.mark.parametrize(
    ("most", "least", "message"),
    [
        (0, 0, "max_tokens must be at least 1, got 0"),
        (3, 4, "min_tokens must be less than or equal to max_tokens=3, got 4"),
    ],
)
def test_impossible_numbers_are_refused(most: int, least: int, message: str) -> None:
    with pytest.raises(Refused, match=message):
        prompts.limits(asked(min_tokens=least), most, 10, 100, 32)
    with pytest.raises(Refused, match="n must be at least 1, got 0"):
        prompts.check_fields(SimpleNamespace(n=0))


@pytest.mark.parametrize("name", ["prompt_logprobs", "use_beam_search", "prompt_embeds", "logprobs", "suffix"])
def test_what_cannot_be_simulated_is_refused(name: str) -> None:
    prompts.check_fields(SimpleNamespace())
    with pytest.raises(Refused, match=name):
        prompts.check_fields(SimpleNamespace(**{name: 1}))


def formatted(kind: str, schema: Any = None) -> SimpleNamespace:
    return SimpleNamespace(response_format=SimpleNamespace(type=kind, json_schema=SimpleNamespace(json_schema=schema)))


def outputs(**fields: Any) -> SimpleNamespace:
    empty = {"json": None, "choice": None, "json_object": None, "regex": None}
    return SimpleNamespace(response_format=None, structured_outputs=SimpleNamespace(**{**empty, **fields}))


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (SimpleNamespace(), None),
        (formatted("text"), None),
        (formatted("json_object"), '{"simulated": true}'),
        (formatted("json_schema", SCHEMA), '{"a": 1}'),
        (outputs(json=SCHEMA), '{"a": 1}'),
        (outputs(json=json.dumps(SCHEMA)), '{"a": 1}'),
        (outputs(choice=["yes", "no"]), "yes"),
        (outputs(json_object=True), '{"simulated": true}'),
    ],
)
def test_structured_output(request_: Any, text: str | None) -> None:
    assert prompts.structured(request_) == text


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (formatted("structural_tag"), "response_format structural_tag"),
        (outputs(regex="a+"), "knows json, json_object and choice only"),
        (formatted("json_schema", {"pattern": "a", "type": "string"}), "no text from a regular expression"),
    ],
)
def test_structured_output_that_cannot_be_made_is_refused(request_: Any, message: str) -> None:
    with pytest.raises(Refused, match=message):
        prompts.structured(request_)


def choice(name: str) -> SimpleNamespace:
    return SimpleNamespace(function=SimpleNamespace(name=name))


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("required", "first"), (choice("second"), "second"), ("auto", None), ("none", None), (None, None)],
)
def test_which_tool_is_called(wanted: Any, name: str | None) -> None:
    called = prompts.called_tool(SimpleNamespace(tools=[tool("first"), tool("second")], tool_choice=wanted))
    assert (called and called.function.name) == name
    if called:
        assert prompts.arguments(called) == '{"a": 1}'


def test_a_tool_that_was_not_given_is_refused() -> None:
    with pytest.raises(Refused, match=r"no such tool among \['first'\]"):
        prompts.called_tool(SimpleNamespace(tools=[tool("first")], tool_choice=choice("other")))


@pytest.mark.parametrize(
    ("prompt", "texts"), [("a", ["a"]), (["a", "b"], ["a", "b"]), ([97], ["a"]), ([[97], [98]], ["a", "b"])]
)
def test_prompts_are_text_or_tokens(prompt: Any, texts: list[str]) -> None:
    assert prompts.prompt_texts(prompt) == texts


@pytest.mark.parametrize("prompt", [None, [], [2**40]])
def test_no_prompt_or_unknown_tokens_are_refused(prompt: Any) -> None:
    with pytest.raises(Refused):
        prompts.prompt_texts(prompt)
