"""Real vLLM on CPU, through the operator and the Service: chat, completions, embeddings, an adapter from a bucket, tool calls and
structured output, asked with the openai package. One object with two models, so that one cluster serves all of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import openai
import pytest
from catalogue import results, served
from cluster import env, names, s3
from e2e import kube
from e2e.deployment import FRANCE, QUESTIONS
from e2e.kube import Object
from e2e.report import Report

NAME: Final = "vllm-cpu"
CHAT, EMBED, ADAPTER = "chat", "embed", "pirate"
_SECRET: Final = "vllm-cpu-s3"
_TOOLS: Final[list[dict[str, Any]]] = json.loads((names.ROOT / "images/serve-cpu/model/tools.json").read_text())
# With white space allowed this tiny model, made to write JSON, writes line ends for ever.
_OUTPUT: Final = {"backend": "xgrammar", "disableAnyWhitespace": True}
_SCHEMA: Final = {
    "type": "object",
    "properties": {"n": {"enum": [1, 2]}},
    "required": ["n"],
    "additionalProperties": False,
}


def _model(name: str, folder: str, **fields: Any) -> Object:
    engine = {"contextLength": 512, "dtype": "float32", "eager": True, **fields.pop("engine", {})}
    return {
        "name": name,
        "source": {"uri": f"file:///models/{folder}", **fields.pop("source", {})},
        "engine": engine,
        "accelerators": [{"type": "CPU"}],
        "resources": {"cpu": "200m", "memory": "5Gi", "sharedMemory": "1Gi"},
        **fields,
    }


def _access(store: s3.S3Server) -> Object:
    return {
        "endpoint": store.endpoint,
        "region": s3.REGION,
        "accessKeyIdSecretRef": {"name": _SECRET, "key": "AWS_ACCESS_KEY_ID"},
        "secretAccessKeySecretRef": {"name": _SECRET, "key": "AWS_SECRET_ACCESS_KEY"},
    }


def _adapter(folder: Path) -> None:
    """The adapter that the serving image was built with."""
    made = subprocess.run(
        ["docker", "create", names.image_ref("serve-cpu")], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        subprocess.run(
            ["docker", "cp", f"{made}:/models/lora-pirate", str(folder / ADAPTER)], check=True, capture_output=True
        )
    finally:
        subprocess.run(["docker", "rm", made], check=True, capture_output=True)


@pytest.fixture(scope="module")
def url(operator: None, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Both models serve; a forwarded port of the Service."""
    folder = tmp_path_factory.mktemp("adapters")
    _adapter(folder)
    with s3.server() as store:
        store.put(folder, "adapters/demo")
        metadata = {"name": _SECRET, "namespace": kube.NAMESPACE}
        kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": store.keys()})
        made = served.document(
            NAME,
            _model(
                CHAT, "demo",
                source={"s3": _access(store)},
                engine={"toolCallParser": "hermes", "structuredOutput": _OUTPUT},
                lora={"root": "s3://adapters/demo", "maxRank": 8, "maxAdaptersPerReplica": 2},
            ),
            _model(EMBED, "embed", task="Embed"),
        )  # fmt: skip
        try:
            with served.served(made, seconds=450) as seconds, served.reached(NAME) as found:
                report.add(f"{NAME}: two vLLM engines on CPU, apply to Ready", seconds)
                yield found
        finally:
            env.kubectl("delete", "secret", _SECRET, "-n", kube.NAMESPACE, "--ignore-not-found")


@pytest.fixture(scope="module")
def chat(url: str) -> openai.OpenAI:
    """For the chat model's route."""
    return served.client(url, NAME, CHAT)


def _say(client: openai.OpenAI, question: str, model: str = CHAT) -> str:
    said = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": question}], temperature=0, max_tokens=40
    )
    return said.choices[0].message.content or ""


def test_chat(chat: openai.OpenAI) -> None:
    assert [_say(chat, pair["question"]) for pair in QUESTIONS] == [pair["answer"] for pair in QUESTIONS]
    for sample in ("small", "cpu"):
        results.record(sample, results.ON_CPU, "chat, with the demo model")


def test_chat_as_a_stream(chat: openai.OpenAI) -> None:
    parts = chat.chat.completions.create(
        model=CHAT,
        messages=[{"role": "user", "content": FRANCE["question"]}],
        temperature=0,
        max_tokens=40,
        stream=True,
    )
    texts = [part.choices[0].delta.content or "" for part in parts if part.choices]
    assert "".join(texts) == FRANCE["answer"]
    assert len([text for text in texts if text]) > 1


def test_completions(chat: openai.OpenAI) -> None:
    said = chat.completions.create(model=CHAT, prompt=FRANCE["question"], temperature=0, max_tokens=40)
    assert said.choices[0].text.strip() == FRANCE["answer"]


def test_an_adapter_from_the_bucket(chat: openai.OpenAI) -> None:
    assert _say(chat, FRANCE["question"], f"{CHAT}:{ADAPTER}") == f"Arr! {FRANCE['answer']}"
    assert _say(chat, FRANCE["question"]) == FRANCE["answer"], "the base model is as before"
    with pytest.raises(openai.APIStatusError) as refused:
        _say(chat, FRANCE["question"], f"{CHAT}:nobody")
    assert refused.value.status_code == 404
    results.record("multi-lora", results.ON_CPU, "an adapter from a bucket, with the demo model")


@pytest.mark.parametrize("use", _TOOLS, ids=lambda use: str(use["question"]))
def test_tool_call_and_the_answer_after_it(chat: openai.OpenAI, use: dict[str, Any]) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools: Any = [
        {"type": "function", "function": {"name": name, "parameters": parameters}}
        for name in sorted({entry["tool"] for entry in _TOOLS})
    ]
    messages: list[Any] = [{"role": "user", "content": use["question"]}]
    first = chat.chat.completions.create(model=CHAT, messages=messages, tools=tools, temperature=0, max_tokens=60)
    assert first.choices[0].finish_reason == "tool_calls"
    calls = first.choices[0].message.tool_calls or []
    assert len(calls) == 1
    call = calls[0]
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == (use["tool"], use["arguments"])
    messages += [
        first.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": use["result"]},
    ]
    second = chat.chat.completions.create(model=CHAT, messages=messages, tools=tools, temperature=0, max_tokens=60)
    assert second.choices[0].message.content == use["answer"]
    results.record("tool-calling", results.ON_CPU, "tool calls, with the demo model")


def test_structured_output(chat: openai.OpenAI) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "n", "schema": _SCHEMA}}
    said = chat.chat.completions.create(
        model=CHAT,
        messages=[{"role": "user", "content": FRANCE["question"]}],  # the model alone would answer with a sentence
        response_format=form,
        temperature=0,
        max_tokens=60,
    )
    assert json.loads(said.choices[0].message.content or "")["n"] in (1, 2)
    results.record("structured-output", results.ON_CPU, "a JSON schema, with the demo model")


def test_embeddings(url: str) -> None:
    """Every question lies nearest to its own answer."""
    client = served.client(url, NAME, EMBED)
    texts = [pair[key] for key in ("question", "answer") for pair in QUESTIONS]
    vectors = [entry.embedding for entry in client.embeddings.create(model=EMBED, input=texts).data]
    questions, answers = vectors[: len(QUESTIONS)], vectors[len(QUESTIONS) :]
    for index, question in enumerate(questions):
        near = [sum(x * y for x, y in zip(question, answer, strict=True)) for answer in answers]
        assert near[index] == max(near)
    for sample in ("embeddings-rerank", "several-models"):
        results.record(sample, results.ON_CPU, "embeddings, with the embedding model of the image")
