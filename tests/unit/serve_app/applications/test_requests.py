"""Requests and answers of the hand-written vLLM deployment."""

import json

import pytest
from llm_serve_app.custom_vllm.requests import CHAT, COMPLETION, Answer, Chat, Completion
from pydantic import ValidationError


def test_sampling_is_the_models_own_then_the_clients() -> None:
    request = Completion(model="m", prompt="p", temperature=0.0, stop=["x"])
    assert request.sampling({"top_k": 1, "temperature": 0.7}, 128) == {
        "top_k": 1,
        "temperature": 0.0,
        "stop": ["x"],
        "max_tokens": 128,
        "ignore_eos": False,
    }
    assert Completion(model="m", prompt="p", max_tokens=5).sampling({}, 128)["max_tokens"] == 5


@pytest.mark.parametrize(
    "change", [{"n": 2}, {"temperature": 3}, {"max_tokens": 0}, {"messages": []}, {"messages": [{"role": "robot"}]}]
)
def test_what_is_not_built_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Chat.model_validate({"model": "m", "messages": [{"role": "user", "content": "x"}], **change})


def test_answers_have_openais_form() -> None:
    whole = Answer(CHAT, "id", "m").whole("text", "stop", 3, 4)
    assert whole["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "text"}, "finish_reason": "stop"}
    ]
    assert whole["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    piece = json.loads(Answer(CHAT, "id", "m").piece("t", None, first=True).removeprefix("data: "))
    assert (piece["object"], piece["choices"][0]["delta"]) == (
        "chat.completion.chunk",
        {"role": "assistant", "content": "t"},
    )
    piece = json.loads(Answer(COMPLETION, "id", "m").piece("t", "length", first=False).removeprefix("data: "))
    assert piece["choices"] == [{"index": 0, "text": "t", "finish_reason": "length"}]
