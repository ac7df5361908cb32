"""A sample becomes a served model, and every part of the OpenAI API that people use answers rightly."""

import openai
import pytest
from catalogue import results
from cluster import env
from e2e import kube
from e2e.deployment import FRANCE, QUESTIONS, READY_SECONDS, Serving
from e2e.report import Report


def test_ready_within_five_minutes(serving: Serving) -> None:
    assert serving.ready_seconds <= READY_SECONDS


def test_kubectl_wait_agrees(serving: Serving) -> None:
    env.kubectl("wait", "--for=condition=Ready", f"llmdeployment.llm-operator.io/{serving.name}",
                "-n", kube.NAMESPACE, "--timeout=5s")  # fmt: skip


def test_one_line_says_it_all(serving: Serving) -> None:
    header, line = env.kubectl("get", kube.LLM, serving.name, "-n", kube.NAMESPACE).splitlines()
    assert header.split() == ["NAME", "READY", "MODELS", "REPLICAS", "GPU", "URL", "REASON", "AGE"]
    assert line.split()[:-1] == ["demo", "True", "1/1", "1", "0", "http://demo-serve-svc.llm.svc:8000/v1", "Serving"]


def test_streaming(serving: Serving, report: Report) -> None:
    from demo.ask import ask

    pieces: list[str] = []
    answer = ask(serving.base_url(), "demo", FRANCE["question"], tell=pieces.append)
    assert answer.text == FRANCE["answer"]
    assert len(pieces) > 1, "the answer came in one piece: nothing was streamed"
    report.add("first request: first token", answer.first_token_seconds)
    report.add("first request: whole answer", answer.total_seconds)
    results.record("demo", results.ACCEPTED, "yes")
    results.record("demo", results.ON_CPU, f"as it is ({serving.ready_seconds:.0f} s)")


def test_models_are_listed_with_their_aliases(serving: Serving) -> None:
    assert {model.id for model in serving.client().models.list()} == {"demo", "gpt-4o-mini"}


@pytest.mark.parametrize("pair", QUESTIONS, ids=lambda pair: pair["question"])
def test_chat_answers_rightly(serving: Serving, pair: dict[str, str]) -> None:
    assert serving.answer(pair["question"]) == pair["answer"]


def test_an_alias_answers(serving: Serving) -> None:
    said = serving.client().chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": FRANCE["question"]}], temperature=0
    )
    assert said.choices[0].message.content == FRANCE["answer"]


def test_completions(serving: Serving) -> None:
    said = serving.client().completions.create(model="demo", prompt=FRANCE["question"], temperature=0, max_tokens=16)
    assert "Paris" in said.choices[0].text
    assert said.usage is not None
    assert said.usage.completion_tokens > 0


def test_a_wrong_model_is_not_found(serving: Serving) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        serving.client().chat.completions.create(model="nope", messages=[{"role": "user", "content": "?"}])
    assert "nope" in refused.value.response.text
