"""Runs inside the serving image: serves simulated models on a local Ray and asks them over HTTP.

Its argument is the name of one of the functions below; prints one line `RESULT <json>`. It judges nothing: the tests that
start it do (test_simulated.py), so that a failure reads as one.
"""

import asyncio
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import ray
from image.ray_metrics import EXPORT, EXPORT_SECONDS, metrics, settled, until
from ray import serve

HOST, PORT = "127.0.0.1", 8000
ENGINE = "llm_serve_app.simulated.engine.SimulatedEngine"
QUICK = {"time_to_first_token_ms": 20, "time_per_output_token_ms": 5, "output_tokens": 12}
USER = [{"role": "user", "content": "What is the capital of France?"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 5}, "people": {"type": "integer", "minimum": 10}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]


def model(name: str, settings: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """An LLMConfig as the operator renders it; the source names nothing that exists."""
    return {
        "model_loading_config": {"model_id": name, "model_source": "nowhere/at-all"},
        "engine_kwargs": {"max_model_len": 1024, **arguments},
        "placement_group_config": {"bundles": [{"CPU": 0.1}]},
        "deployment_config": {"ray_actor_options": {"num_cpus": 0.1}},
        "runtime_env": {"env_vars": {"RAYLLM_VLLM_ENGINE_CLS": ENGINE}},
        "experimental_configs": {"simulated": {**QUICK, **(settings or {})}, "stream_batching_interval_ms": 0},
    }


def call(path: str, body: Any = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """One request: status, and JSON or the events of a stream."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=60)
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    kind = {} if isinstance(body, bytes) else {"content-type": "application/json"}
    connection.request("GET" if body is None else "POST", path, raw, {**kind, **(headers or {})})
    response = connection.getresponse()
    text = response.read().decode()
    if "text/event-stream" not in (response.getheader("content-type") or ""):
        return {"status": response.status, "json": json.loads(text) if text.startswith(("{", "[")) else text}
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return {"status": response.status, "events": [json.loads(e) if e != "[DONE]" else e for e in events]}


def chat(name: str, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    return call("/v1/chat/completions", {"model": name, "messages": USER, **fields}, headers)


OFF: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def _upload() -> dict[str, Any]:
    """A transcription's form."""
    field = b"--b\r\ncontent-disposition: form-data; name="
    form = (
        field
        + b'"model"\r\n\r\ndemo\r\n'
        + field
        + b'"file"; filename="a.wav"\r\n\r\n'
        + b"x" * 1600
        + b"\r\n--b--\r\n"
    )
    return call("/v1/audio/transcriptions", form, {"content-type": "multipart/form-data; boundary=b"})


def _chats() -> dict[str, Any]:
    schema = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    return {
        "chat": chat("demo", **OFF),
        "again": chat("demo", **OFF),
        "reasoning": chat("demo"),
        "stream": chat("demo", **USAGE),
        "length": chat("demo", max_tokens=5, **OFF),
        "stop": chat("demo", stop=["capital"], **OFF),
        "two": chat("demo", n=2, **OFF),
        "schema": chat("demo", response_format=schema, **OFF),
        "tool": chat("demo", tools=TOOLS, tool_choice="required", **OFF),
        "tool_stream": chat("demo", tools=TOOLS, tool_choice="required", stream=True, **OFF),
        "too_long": chat("demo", max_tokens=2000),
        "unknown": chat("nobody"),
    }


def _texts() -> dict[str, Any]:
    tokens = call("/tokenize", {"model": "demo", "prompt": "Straße in Köln"})
    return {
        "completion": call("/v1/completions", {"model": "demo", "prompt": ["one", "two"], "max_tokens": 8}),
        "completion_stream": call("/v1/completions", {"model": "demo", "prompt": "one", "max_tokens": 8, **USAGE}),
        "ids": call("/v1/completions", {"model": "demo", "prompt": "one", "return_token_ids": True}),
        "tokenize": tokens,
        "detokenize": call("/detokenize", {"model": "demo", "tokens": tokens["json"]["tokens"]}),
    }


def _vectors() -> dict[str, Any]:
    small = {"model": "vectors", "dimensions": 8}
    return {
        "embeddings": call("/v1/embeddings", {**small, "input": ["a", "b", "a"]}),
        "base64": call("/v1/embeddings", {**small, "input": "a", "encoding_format": "base64"}),
        "score": call("/v1/score", {"model": "vectors", "text_1": "red car", "text_2": ["red car", "blue car", "sky"]}),
        "chat_with_vectors": chat("vectors"),
    }


def requests() -> dict[str, Any]:
    """Every endpoint through Ray's ingress, and everything a request may ask for."""
    from ray.serve.llm import build_openai_app

    app = build_openai_app(
        {"llm_configs": [model("demo", reasoning_parser="qwen3"), model("vectors", runner="pooling")]}
    )
    serve.run(app)
    return {"models": call("/v1/models"), **_chats(), **_texts(), **_vectors(), "transcription": _upload()}


def trouble() -> dict[str, Any]:
    """Failures, stalls, the waiting queue, cancelled clients, metrics."""
    from ray.serve.llm import build_openai_app

    models = [
        model("failing", {"failure_rate": 1}),
        model("half", {"failure_rate": 0.5, "seed": 7}),
        model("stalling", {"stall_rate": 1}),
        model("narrow", {"max_num_seqs": 1, "output_tokens": 20, "time_per_output_token_ms": 20}),
    ]
    serve.run(build_openai_app({"llm_configs": models}))
    found: dict[str, Any] = {"failing": chat("failing"), "failing_stream": chat("failing", stream=True)}
    for run in ("half", "half_again"):
        found[run] = [chat("half", {"x-request-id": f"request-{n}"})["status"] for n in range(12)]
    found["stalled"] = stalled("stalling")
    found["queue"] = queue()
    found["metrics"] = settled({"narrow/length": 3, "failing/error": 2, "stalling/abort": 1})
    return found


def stalled(model: str) -> dict[str, Any]:
    """A client that reads half of an answer, sees nothing for a while and goes: the engine lets the request go then."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=3)
    body = json.dumps({"model": model, "messages": USER, "stream": True})
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    response, received = connection.getresponse(), 0
    try:
        while response.readline():
            received += 1
    except TimeoutError:
        timed_out = True
    else:
        timed_out = False
    name = f"ray_vllm_num_requests_running/{model}"
    running = until(lambda: metrics().get(name) == 1 and metrics())
    tokens = (running or {}).get(f"ray_vllm_generation_tokens_total/{model}")
    time.sleep(EXPORT_SECONDS)  # the figure would have moved
    later = metrics()
    response.close()
    connection.close()
    gone = until(lambda: metrics().get(name) == 0)
    return {
        "lines": received,
        "timed_out": timed_out,
        "running": (running or {}).get(name),
        "running_later": later.get(name),
        "tokens": tokens,
        "tokens_later": later.get(f"ray_vllm_generation_tokens_total/{model}"),
        "gone": gone,
    }


def queue() -> dict[str, Any]:
    """Three requests at once where one may run: they end one after the other."""
    ended: list[float] = []
    begin = time.monotonic()

    def ask() -> None:
        chat("narrow", max_tokens=20)
        ended.append(time.monotonic() - begin)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"ended": ended, "alone": 0.02 + 19 * 0.02}


def patterns() -> dict[str, Any]:
    """Data parallel and prefill/decode, with the real builders."""
    from ray.serve.llm import build_dp_openai_app, build_pd_openai_app

    found: dict[str, Any] = {}
    gpus = model("dp", data_parallel_size=2, tensor_parallel_size=2) | {"accelerator_type": "H100"}
    del gpus["placement_group_config"]
    serve.run(build_dp_openai_app({"llm_config": gpus}))
    found["dp"] = chat("dp")
    found["dp_deployments"] = deployments()
    groups = [group for group in ray.util.placement_group_table().values() if group["state"] == "CREATED"]
    found["dp_bundles"] = [list(group["bundles"].values()) for group in groups]
    serve.delete("default")
    transfer = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
    config = model("pd", {"time_to_first_token_ms": 300}, kv_transfer_config=transfer)
    serve.run(build_pd_openai_app({"prefill_config": config, "decode_config": config}))
    found["pd"] = chat("pd")
    found["pd_stream"] = chat("pd", stream=True)
    found["pd_deployments"] = deployments()
    found["pd_metrics"] = settled({"pd/length": 2, "pd/stop": 2})
    return found


async def timed(step: Awaitable[Any]) -> list[Any]:
    """What it gives, and the seconds that it took."""
    begin = time.monotonic()
    return [await step, time.monotonic() - begin]


def deployments() -> dict[str, int]:
    """Deployments with their running replicas."""
    apps = serve.status().applications["default"].deployments
    return {name: status.replica_states.get("RUNNING", 0) for name, status in apps.items()}


def direct() -> dict[str, Any]:
    """Direct streaming: HAProxy and the engine's own routes. Needs the environment of the fast path."""
    from ray.serve.llm import build_openai_app, build_pd_openai_app

    serve.run(build_openai_app({"llm_configs": [model("demo", api_key=["secret"])]}))
    until(lambda: call("/health")["status"] == 200)
    key = {"authorization": "Bearer secret"}
    found: dict[str, Any] = {
        "deployments": deployments(),
        "no_key": chat("demo"),
        "models": call("/v1/models", headers=key),
        "one_model": call("/v1/models/demo", headers=key),
        "chat": chat("demo", key),
        "stream": chat("demo", key, stream=True),
        "completion": call("/v1/completions", {"model": "demo", "prompt": "one", "max_tokens": 8}, key),
        "embeddings": call("/v1/embeddings", {"model": "demo", "input": "a", "dimensions": 8}, key),
        "rerank": call("/rerank", {"model": "demo", "query": "red", "documents": ["blue", "red"]}),
        "tokenize": call("/tokenize", {"model": "demo", "prompt": "one"}),
        "unknown": chat("nobody", key),
        "invalid": call("/v1/chat/completions", {"model": "demo"}, key),
        "health": call("/health"),
    }
    serve.delete("default")
    transfer = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
    prefill, decode = (model("pd", {"stall_rate": rate}, kv_transfer_config=transfer) for rate in (0, 1))
    serve.run(build_pd_openai_app({"prefill_config": prefill, "decode_config": decode}))
    until(lambda: call("/health")["status"] == 200)
    return {**found, "pd_deployments": deployments(), "pd_stalled": stalled("pd")}


def made(config: dict[str, Any]) -> tuple[Any, Any]:
    """An engine that is not started, and its LLMConfig."""
    from llm_serve_app.simulated.engine import SimulatedEngine
    from ray.llm._internal.serve.core.configs.llm_config import LLMConfig

    llm_config = LLMConfig(**config)
    return SimulatedEngine(llm_config), llm_config


def adapter(path: Path) -> Any:
    """What LLMServer gives to the engine after it has downloaded the adapter demo:kind."""
    from ray.llm._internal.serve.core.configs.llm_config import DiskMultiplexConfig

    return DiskMultiplexConfig(
        model_id="demo:kind", local_path=str(path), max_total_tokens=None, lora_assigned_int_id=1
    )


async def ask(engine: Any, name: str) -> Any:
    from ray.llm._internal.serve.core.configs.openai_api_models import ChatCompletionRequest

    return (await anext(engine.chat(ChatCompletionRequest(model=name, messages=USER)))).model_dump()


def refusal(config: dict[str, Any], lora: Any = None) -> str:
    try:
        asyncio.run(made(config)[0].resolve_lora(lora))
    except ValueError as error:
        return str(error)
    return "accepted"


async def loras(folder: Path) -> dict[str, Any]:
    engine, _ = made(model("demo", enable_lora=True))
    before = await ask(engine, "demo:kind")
    await engine.resolve_lora(adapter(folder))
    return {"before": before["error"], "after": await ask(engine, "demo:kind")}


async def pausing() -> dict[str, Any]:
    engine, _ = made(model("demo", {"time_to_first_token_ms": 60_000}))
    await engine.start()
    asked = asyncio.create_task(ask(engine, "demo"))
    await asyncio.sleep(1)  # of the minute that the first token takes
    await engine.pause(mode="abort")
    aborted = await asyncio.wait_for(asked, 10)
    return {"aborted": aborted["error"]["code"], "paused": await engine.is_paused()}


def connector(name: str) -> str:
    _, llm_config = made(model("demo", kv_transfer_config={"kv_connector": name, "kv_role": "kv_both"}))
    return type(llm_config.kv_connector_backend).__name__


async def health(settings: dict[str, Any], *, start: bool = True) -> str:
    engine, _ = made(model("demo", settings))
    try:
        if start:
            await engine.start()
        await engine.check_health()
    except RuntimeError as error:
        return str(error)
    return "healthy"


def engine() -> dict[str, Any]:
    """The engine alone: LoRA, settings that are wrong, pausing, health."""
    folder = Path(tempfile.mkdtemp())
    (folder / "adapter_config.json").write_text(json.dumps({"r": 8}))
    return {
        "loras": asyncio.run(loras(folder)),
        "lora_off": refusal(model("demo"), adapter(folder)),
        "lora_missing": refusal(model("demo", enable_lora=True), adapter(folder / "none")),
        "lora_rank": refusal(model("demo", enable_lora=True, max_lora_rank=4), adapter(folder)),
        "setting": refusal(model("demo", {"failure_rat": 1})),
        "cache": refusal(model("demo", {"kv_cache_tokens": 100})),
        "pausing": asyncio.run(pausing()),
        "connector": connector("LMCacheConnectorV1"),
        "not_started": asyncio.run(health({}, start=False)),
        "healthy": asyncio.run(health({"health_fails_after_seconds": 3600})),
        "sick": asyncio.run(health({"health_fails_after_seconds": 0})),
        "late": asyncio.run(timed(health({"startup_seconds": 1.5}))),
    }


if __name__ == "__main__":
    scenario = {f.__name__: f for f in (requests, trouble, patterns, direct, engine)}[sys.argv[1]]
    ray.init(
        num_cpus=4,
        num_gpus=4,
        resources={"accelerator_type:H100": 4},
        include_dashboard=False,
        log_to_driver="-v" in sys.argv,
        _metrics_export_port=8080,
        _system_config=EXPORT,
    )
    print("RESULT " + json.dumps(scenario()), flush=True)
    os._exit(0)  # the container ends with this process; an orderly end of Serve takes half a minute
