"""Runs inside the serving image: real vLLM on CPU behind Ray's builder, started cold and warm.

Prints one line `RESULT <json>`: how many requests each engine had ended before its first client came and after two, the
seconds of those two, and how each kind of first request is answered. It judges nothing: tests/image/test_warm_up.py does.
"""

import asyncio
import json
import os
import time
import urllib.request
from typing import Any

import ray
from image.ray_metrics import EXPORT, EXPORT_SECONDS, metrics, settled
from llm_serve_app.simulated.engine import SimulatedEngine
from llm_serve_app.warm_up import REQUESTS, WarmSimulatedEngine, warm_up
from ray import serve
from ray.llm._internal.serve.core.configs.llm_config import LLMConfig
from ray.serve.llm import build_openai_app

URL = "http://127.0.0.1:8000"
RUNNERS = {"completions": "generate", "embeddings": "pooling", "score": "pooling", "transcriptions": "generate"}


def config(name: str, source: str, env: dict[str, str], **kwargs: Any) -> dict[str, Any]:
    return {
        "model_loading_config": {"model_id": name, "model_source": source},
        "engine_kwargs": {"max_model_len": 512, **kwargs},
        "placement_group_config": {"bundles": [{"CPU": 0.1}]},
        "deployment_config": {"ray_actor_options": {"num_cpus": 0.1}},
        "runtime_env": {"env_vars": env},
    }


def ask(name: str) -> float:
    """Seconds of one short answer."""
    body = json.dumps({"model": name, "prompt": "a", "max_tokens": 4}).encode()
    request = urllib.request.Request(f"{URL}/v1/completions", body, {"content-type": "application/json"})
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=300) as answer:
        assert json.loads(answer.read())["choices"]
    return time.monotonic() - began


def ended(name: str) -> float:
    return metrics().get(f"ray_vllm_request_success_total/{name}/length", 0)


def vllm(name: str, env: dict[str, str]) -> dict[str, float]:
    """One engine from nothing to its second answer."""
    made = config(name, "/models/demo", env, dtype="float32", enforce_eager=True)
    began = time.monotonic()
    serve.run(build_openai_app({"llm_configs": [made]}), name="demo")
    found = {"start": time.monotonic() - began}
    time.sleep(EXPORT_SECONDS)
    found["ended_before"] = ended(name)
    found |= {"first": ask(name), "second": ask(name)}
    settled({f"{name}/length": int(found["ended_before"]) + 2})
    found["ended_after"] = ended(name)
    serve.delete("demo")
    return found


async def kinds() -> dict[str, Any]:
    """Kind of request → class of the (simulated) engine's answer to it; runner → what warms it up; and what becomes of an
    engine that fails."""
    found: dict[str, Any] = {"answers": {}, "warmed": {}}
    for method, runner in RUNNERS.items():
        engine = SimulatedEngine(LLMConfig(**config("m", "nowhere", {}, runner=runner)))
        await engine.start()
        async for answer in getattr(engine, method)(REQUESTS[method]("m")):
            found["answers"][method] = type(answer).__name__
        found["warmed"][runner] = await warm_up(engine, "m")
        await engine.shutdown()
    broken = config("m", "nowhere", {}) | {"experimental_configs": {"simulated": {"failure_rate": 1.0}}}
    try:
        await WarmSimulatedEngine(LLMConfig(**broken)).start()
        found["broken"] = "started"
    except RuntimeError as error:
        found["broken"] = str(error)
    return found


if __name__ == "__main__":
    ray.init(num_cpus=4, include_dashboard=False, _metrics_export_port=8080, _system_config=EXPORT)
    result: dict[str, Any] = {"kinds": asyncio.run(kinds())}
    result["cold"] = vllm("cold", {})
    result["warm"] = vllm("warm", {"RAYLLM_VLLM_ENGINE_CLS": "llm_serve_app.warm_up.WarmVLLMEngine"})
    print("RESULT " + json.dumps(result), flush=True)
    os._exit(0)  # the container ends with this process; an orderly end of Serve takes half a minute
