"""The simulated engine in the serving image, behind Ray's own builders, ingress and HAProxy, asked over HTTP.

Each scenario of the probe is one container with a local Ray: no network, no GPU, no model.
"""

import base64
import json
import math
import struct
from functools import cache
from typing import Any

import jsonschema
import pytest
from image import container

FAST_PATH = {"RAY_SERVE_ENABLE_HA_PROXY": "1", "RAY_SERVE_LLM_ENABLE_DIRECT_STREAMING": "1"}
CITY = {"city": "simul", "people": 10}
ECHO = "simulated: What is the capital of France?"


@cache
def probe(scenario: str) -> Any:
    """What the scenario found; it runs once."""
    return container.probe("simulated_probe", scenario, environment=FAST_PATH if scenario == "direct" else None)


def answered(scenario: str, name: str) -> Any:
    found = probe(scenario)[name]
    assert found["status"] == 200, found
    return found["json"]


def message(scenario: str, name: str) -> Any:
    return answered(scenario, name)["choices"][0]["message"]


def events(scenario: str, name: str) -> list[Any]:
    """The chunks of a stream that ended as it should."""
    found = probe(scenario)[name]
    assert found["status"] == 200, found
    assert found["events"][-1] == "[DONE]"
    return list(found["events"][:-1])


def deltas(chunks: list[Any], part: str) -> str:
    return "".join(choice["delta"].get(part) or "" for chunk in chunks for choice in chunk["choices"])


def test_a_chat_answers_its_own_prompt_and_repeats_it() -> None:
    assert message("requests", "chat")["content"].startswith(ECHO)
    assert message("requests", "again") == message("requests", "chat")
    usage = answered("requests", "chat")["usage"]
    assert usage["completion_tokens"] == 12
    assert usage["total_tokens"] == usage["prompt_tokens"] + 12


def test_a_reasoning_model_thinks_unless_the_request_says_no() -> None:
    assert message("requests", "reasoning")["reasoning"] == "thinking abo"
    assert message("requests", "chat")["reasoning"] is None
    assert answered("requests", "reasoning")["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3


def test_a_stream_is_the_same_answer_in_pieces() -> None:
    chunks = events("requests", "stream")
    assert deltas(chunks, "reasoning") == message("requests", "reasoning")["reasoning"]
    assert deltas(chunks, "content") == message("requests", "reasoning")["content"]
    assert [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]] == [None] * 12 + ["stop"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 12


@pytest.mark.parametrize(
    ("name", "content", "finish", "reason", "tokens"),
    [
        ("length", "simulated: What is t", "length", None, 5),
        ("stop", "simulated: What is the ", "stop", "capital", 6),
    ],
)
def test_what_ends_an_answer(name: str, content: str, finish: str, reason: str | None, tokens: int) -> None:
    choice = answered("requests", name)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"], choice["stop_reason"]) == (content, finish, reason)
    assert answered("requests", name)["usage"]["completion_tokens"] == tokens


def test_n_choices() -> None:
    choices = answered("requests", "two")["choices"]
    assert [choice["index"] for choice in choices] == [0, 1]
    assert answered("requests", "two")["usage"]["completion_tokens"] == 24


def test_structured_output_validates() -> None:
    value = json.loads(message("requests", "schema")["content"])
    jsonschema.validate(value, {"properties": {"people": {"minimum": 10}}, "required": ["city", "people"]})
    assert value == CITY


def test_a_required_tool_is_called_with_its_arguments() -> None:
    choice = answered("requests", "tool")["choices"][0]
    call = choice["message"]["tool_calls"][0]["function"]
    assert (call["name"], json.loads(call["arguments"]), choice["finish_reason"]) == ("weather", CITY, "tool_calls")
    parts = [
        c["delta"]["tool_calls"][0]
        for e in events("requests", "tool_stream")
        for c in e["choices"]
        if "tool_calls" in c["delta"]
    ]
    assert json.loads("".join(part["function"]["arguments"] for part in parts)) == CITY
    assert [part["function"].get("name") for part in parts] == ["weather", *[None] * (len(parts) - 1)]


@pytest.mark.parametrize(
    ("scenario", "name", "status", "words"),
    [
        (
            "requests",
            "too_long",
            400,
            "maximum context length is 1024 tokens. However, you requested 2000 output tokens",
        ),
        ("requests", "unknown", 404, "nobody"),
        ("requests", "chat_with_vectors", 400, "This model does not support the 'generate' task"),
        ("trouble", "failing", 500, "Internal Server Error"),
        ("direct", "unknown", 404, "The model `nobody` does not exist."),
        ("direct", "invalid", 400, "body.messages: Field required"),
        ("direct", "no_key", 401, "Unauthorized"),
    ],
)
def test_refusals(scenario: str, name: str, status: int, words: str) -> None:
    found = probe(scenario)[name]
    assert found["status"] == status
    assert words in json.dumps(found["json"])


def test_completions() -> None:
    whole = answered("requests", "completion")
    assert [choice["text"] for choice in whole["choices"]] == [
        "simulated: one and so on and so ",
        "simulated: two and so on and so ",
    ]
    assert whole["usage"]["completion_tokens"] == 16
    chunks = events("requests", "completion_stream")
    assert "".join(choice["text"] for chunk in chunks for choice in chunk["choices"]) == whole["choices"][0]["text"]
    assert len(answered("requests", "ids")["choices"][0]["token_ids"]) == 12


def test_tokens_go_there_and_back() -> None:
    counted = answered("requests", "tokenize")
    assert counted["count"] == len(counted["tokens"]) == 4
    assert counted["max_model_len"] == 1024
    assert answered("requests", "detokenize")["prompt"] == "Straße in Köln"


def test_embeddings_are_unit_vectors_of_the_dimensions_asked_for() -> None:
    first, second, third = (item["embedding"] for item in answered("requests", "embeddings")["data"])
    assert len(first) == 8
    assert math.hypot(*first) == pytest.approx(1)
    assert first == third != second
    packed = base64.b64decode(answered("requests", "base64")["data"][0]["embedding"])
    assert struct.unpack("8f", packed) == pytest.approx(first)


def test_scores_and_transcriptions() -> None:
    scores = [item["score"] for item in answered("requests", "score")["data"]]
    assert scores == pytest.approx([1, 1 / 3, 0])
    assert answered("requests", "transcription")["text"] == "simulated: transcription of 1600 bytes"


def test_a_failing_stream_ends_with_an_error_event() -> None:
    assert events("trouble", "failing_stream")[-1]["error"]["code"] == 500


def test_a_request_id_decides_about_failure() -> None:
    found = probe("trouble")
    assert found["half"] == found["half_again"]
    assert set(found["half"]) == {200, 500}


def test_a_stalled_request_runs_without_tokens_until_the_client_goes() -> None:
    found = probe("trouble")["stalled"]
    assert found["timed_out"]
    assert found["running"] == found["running_later"] == 1
    assert found["tokens"] == found["tokens_later"] == 6
    assert found["gone"]


def test_excess_requests_wait_their_turn() -> None:
    found = probe("trouble")["queue"]
    for position, ended in enumerate(sorted(found["ended"]), start=1):
        assert ended >= position * found["alone"]


def test_metrics_have_vllms_names() -> None:
    found = probe("trouble")["metrics"]
    assert found["ray_vllm_generation_tokens_total/narrow"] == 60
    assert found["ray_vllm_request_success_total/narrow/length"] == 3
    assert found["ray_vllm_request_success_total/failing/error"] == 2
    assert found["ray_vllm_request_success_total/stalling/abort"] == 1
    assert found["ray_vllm_prompt_tokens_total/narrow"] == 3 * 14
    for name in ("time_to_first_token_seconds", "e2e_request_latency_seconds"):
        assert found[f"ray_vllm_{name}_count/narrow"] == 3
    assert found["ray_vllm_inter_token_latency_seconds_count/narrow"] == 57
    for name in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"):
        assert found[f"ray_vllm_{name}/narrow"] == 0


def test_data_parallel() -> None:
    assert message("patterns", "dp")["content"].startswith(ECHO)
    assert probe("patterns")["dp_deployments"] == {"DPServer:dp": 2, "OpenAiIngress": 1}


def test_gpus_are_reserved_as_for_the_real_engine() -> None:
    """One group for both ranks, two GPUs each; nothing but a number stands for the GPUs."""
    kind = {"accelerator_type:H100": 0.001, "GPU": 1}
    ranks = [{"CPU": 0.1, **kind}, kind]
    assert probe("patterns")["dp_bundles"] == [[*ranks, *ranks]]


def test_prefill_and_decode() -> None:
    """The prefill engine computes the prompt, once per request; decode hands over what prefill gave it."""
    assert message("patterns", "pd")["content"].startswith(ECHO)
    assert deltas(events("patterns", "pd_stream"), "content").startswith(ECHO)
    assert probe("patterns")["pd_deployments"] == {"Prefill:pd": 1, "Decode:pd": 1, "OpenAiIngress": 1}
    metrics = probe("patterns")["pd_metrics"]
    assert metrics["ray_vllm_prompt_tokens_total/pd"] == 2 * 14
    assert metrics["ray_vllm_request_success_total/pd/length"] == 2  # prefill: one token each
    assert metrics["ray_vllm_generation_tokens_total/pd"] == 2 * (1 + 12)


def test_direct_streaming() -> None:
    assert set(probe("direct")["deployments"]) == {"LLMServer:demo", "LLMRouter"}
    assert message("direct", "chat")["content"].startswith(ECHO)
    assert deltas(events("direct", "stream"), "content") == message("direct", "chat")["content"]
    assert answered("direct", "completion")["choices"][0]["text"] == "simulated: one and so on and so "
    assert [card["id"] for card in answered("direct", "models")["data"]] == ["demo"]
    assert answered("direct", "one_model")["id"] == "demo"
    assert len(answered("direct", "embeddings")["data"][0]["embedding"]) == 8
    assert [result["index"] for result in answered("direct", "rerank")["results"]] == [1, 0]
    assert answered("direct", "tokenize")["count"] == 1
    assert probe("direct")["health"]["status"] == 200


def test_direct_streaming_with_prefill_and_decode() -> None:
    """The decode engine stalls: its stream stops half-way, and the engine lets go when the client does."""
    assert set(probe("direct")["pd_deployments"]) == {"Decode:pd", "Prefill:pd", "LLMRouter"}
    found = probe("direct")["pd_stalled"]
    assert found["timed_out"]
    assert found["running"] == found["running_later"] == 1
    assert found["tokens"] == found["tokens_later"] == 1 + 6  # prefill's and half of decode's
    assert found["gone"]


def test_adapters_are_known_once_they_are_loaded() -> None:
    found = probe("engine")
    assert found["loras"]["before"]["message"] == "The model `demo:kind` does not exist."
    assert found["loras"]["after"]["model"] == "demo:kind"
    assert "LoRA is not enabled" in found["lora_off"]
    assert "No adapter found" in found["lora_missing"]
    assert "LoRA rank 8 is greater than max_lora_rank 4." in found["lora_rank"]


def test_a_connector_whose_package_is_missing_is_no_obstacle() -> None:
    """Nothing is transferred, so the default way to shape requests will do (lmcache is not in the image)."""
    assert probe("engine")["connector"] == "DefaultConnectorBackend"


def test_wrong_settings_stop_the_engine() -> None:
    found = probe("engine")
    assert found["setting"].endswith("failure_rat: unknown setting; did you mean 'failure_rate'?")
    assert "100 tokens cannot hold one request of max_model_len 1024" in found["cache"]


def test_start_health_and_pause() -> None:
    found = probe("engine")
    assert found["not_started"] == "the simulated engine has not started"
    assert found["healthy"] == "healthy"
    assert "unhealthy since 0.0 s" in found["sick"]
    assert found["late"][1] >= 1.5
    assert found["pausing"] == {"aborted": 500, "paused": True}
