"""The custom applications inside the serving image: one Ray without a network, the Serve configuration put as KubeRay does."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from image.container import IMAGE

NAME = "llm-operator-test-applications"
QUESTION, ANSWER = "What is the capital of Japan?", "The capital of Japan is Tokyo."
REVIEW = "The food was excellent and the staff was friendly. We sat in the garden. The garden and the food were lovely."
ENGINE = {"max_model_len": 512, "max_num_seqs": 8}
START = "ray start --head --num-cpus 8 --dashboard-host 127.0.0.1 --disable-usage-stats && sleep infinity"
PUT = """
import sys, time, urllib.request
data = sys.stdin.buffer.read()
request = urllib.request.Request("http://127.0.0.1:8265/api/serve/applications/", data, {"content-type": "application/json"}, method="PUT")
for attempt in range(120):
    try:
        print(urllib.request.urlopen(request, timeout=30).status)
        break
    except OSError as error:
        if getattr(error, "code", 503) < 500: sys.exit(error.read().decode())
        time.sleep(0.5)
else:
    sys.exit("the dashboard does not answer")
"""
STATUS = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8265/api/serve/applications/", timeout=30).read().decode())
"""
POST = """
import json, sys, time, urllib.error, urllib.request
path, body, headers = json.load(sys.stdin)
data = None if body is None else json.dumps(body).encode()
request = urllib.request.Request("http://127.0.0.1:8000" + path, data, {"content-type": "application/json", **headers})
try:
    answer = urllib.request.urlopen(request, timeout=120)
except urllib.error.HTTPError as error:
    answer = error
lines = [(round(time.monotonic(), 3), line.decode()) for line in answer]
print(json.dumps({"status": answer.status, "headers": {k.lower(): v for k, v in answer.headers.items()}, "lines": lines}))
"""
TOGETHER = """
import json, urllib.request
from concurrent.futures import ThreadPoolExecutor
def ask(number):
    body = json.dumps({"text": ("good and friendly", "bad and rude")[number % 2]}).encode()
    request = urllib.request.Request("http://127.0.0.1:8000/batch/", body, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=60))
with ThreadPoolExecutor(8) as pool:
    print(json.dumps(list(pool.map(ask, range(8)))))
"""
LEAVE = """
import json, time, urllib.request
def unfinished():
    return json.load(urllib.request.urlopen("http://127.0.0.1:8000/vllm/stats", timeout=30))["unfinished_requests"]
def start(stream):
    body = {"model": "demo", "prompt": "a a a a", "max_tokens": 450, "ignore_eos": True, "stream": stream}
    return urllib.request.Request("http://127.0.0.1:8000/vllm/v1/completions", json.dumps(body).encode(), {"content-type": "application/json"})
answer = urllib.request.urlopen(start(True), timeout=60)
answer.readline()
during = unfinished()
answer.close()
end = time.monotonic() + 20
while unfinished() and time.monotonic() < end: time.sleep(0.02)
print(json.dumps({"during": during, "after": unfinished()}))
"""


class Container:
    """Python programs inside the running container."""

    def run(self, program: str, stdin: Any = "") -> str:
        text = stdin if isinstance(stdin, str) else json.dumps(stdin)
        command = ["docker", "exec", "-i", NAME, "python3", "-c", program]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"{done.stdout[-1000:]}{done.stderr[-2000:]}"
        return done.stdout

    def apply(self, *applications: dict[str, Any]) -> None:
        """Returns when every deployment of every application runs as it was asked for."""
        self.run(PUT, {"http_options": {"host": "127.0.0.1", "port": 8000}, "applications": list(applications)})
        end, seen = time.monotonic() + 240, {}
        while time.monotonic() < end:
            seen = json.loads(self.run(STATUS))["applications"]
            states = [(item["status"], item["message"]) for item in seen.values()]
            assert not [state for state in states if state[0] == "DEPLOY_FAILED"], states
            if len(states) == len(applications) and all(state == "RUNNING" for state, _ in states):
                return
            time.sleep(1)
        pytest.fail(f"the applications do not run: {seen}")

    def replicas(self) -> dict[str, list[str]]:
        applications = json.loads(self.run(STATUS))["applications"]
        return {
            f"{app}/{name}": sorted(replica["replica_id"] for replica in deployment["replicas"])
            for app, details in applications.items()
            for name, deployment in details["deployments"].items()
        }

    def ask(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Status and parsed answer; GET without a body."""
        answer = json.loads(self.run(POST, [path, body, headers or {}]))
        return answer["status"], json.loads("".join(line for _, line in answer["lines"]))

    def stream(self, path: str, body: Any) -> tuple[dict[str, str], list[str]]:
        """Headers and the data of each server-sent event."""
        answer = json.loads(self.run(POST, [path, body, {}]))
        assert answer["status"] == 200, answer
        data = [line.removeprefix("data: ").strip() for _, line in answer["lines"] if line.startswith("data: ")]
        return answer["headers"], data


def application(name: str, args: dict[str, Any], user_configs: dict[str, Any], num_cpus: float = 0.1) -> dict[str, Any]:
    """As the operator renders it: every deployment named, each with its actor's resources."""
    from importlib import import_module

    deployments = import_module(f"llm_serve_app.{name}").DEPLOYMENTS
    return {
        "name": name,
        "route_prefix": {"custom_vllm": "/vllm", "ab_router": "/ab"}.get(name, f"/{name}"),
        "import_path": f"llm_serve_app.{name}:build",
        "args": args,
        "deployments": [
            {
                "name": deployment,
                "autoscaling_config": {"min_replicas": 1, "max_replicas": 1, "target_ongoing_requests": 4},
                "ray_actor_options": {"num_cpus": num_cpus},
                **({"user_config": user_configs[deployment]} if deployment in user_configs else {}),
            }
            for deployment in deployments
        ],
    }


def applications(split: dict[str, int], batch_size: int = 4, sentences: int = 1) -> list[dict[str, Any]]:
    vllm = {"model": "/models/demo", "served_model_name": "demo", "engine_args": ENGINE}
    targets = {"a": {"url": "/vllm", "model": "demo"}, "b": {"url": "/pipeline"}}
    return [
        application("pipeline", {}, {"Summary": {"sentences": sentences}}),
        application("batch", {}, {"BatchedSentiment": {"max_batch_size": batch_size, "batch_wait_timeout_s": 10.0}}),
        application("custom_vllm", vllm, {"CustomVLLM": {"limit_max_tokens": 450}}, num_cpus=1),
        application("ab_router", {"targets": targets}, {"ABRouter": {"split": split}}),
    ]


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    subprocess.run(["docker", "rm", "-f", NAME], capture_output=True, check=False)
    flags = [
        "--rm",
        "--detach",
        "--name",
        NAME,
        "--network",
        "none",
        "--shm-size",
        "1g",
        "--env",
        "RAY_AUTH_MODE=disabled",
    ]
    command = ["docker", "run", *flags, "--entrypoint", "bash", IMAGE, "-c", START]
    subprocess.run(command, capture_output=True, check=True)
    try:
        running = Container()
        running.apply(*applications({"a": 1, "b": 0}))
        yield running
    finally:
        subprocess.run(["docker", "rm", "-f", NAME], capture_output=True, check=False)


def test_pipeline(container: Container) -> None:
    status, answer = container.ask("/pipeline/", {"text": REVIEW})
    assert (status, answer["sentiment"]["label"]) == (200, "positive")
    assert answer["summary"] == "The garden and the food were lovely."
    assert container.ask("/pipeline/", {"text": ""})[0] == 422


def test_batch(container: Container) -> None:
    answers = json.loads(container.run(TOGETHER))
    assert [answer["label"] for answer in answers] == ["positive", "negative"] * 4
    assert [answer["batch_size"] for answer in answers] == [4] * 8


def test_custom_vllm_answers(container: Container) -> None:
    chat = {"model": "demo", "messages": [{"role": "user", "content": QUESTION}]}
    status, answer = container.ask("/vllm/v1/chat/completions", chat)
    assert (status, answer["choices"][0]["message"]["content"]) == (200, ANSWER)
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] == sum(
        answer["usage"][f"{kind}_tokens"] for kind in ("prompt", "completion")
    )
    status, answer = container.ask("/vllm/v1/completions", {"model": "demo", "prompt": QUESTION, "max_tokens": 3})
    assert (status, answer["choices"][0]["finish_reason"], answer["usage"]["completion_tokens"]) == (200, "length", 3)
    assert container.ask("/vllm/v1/models")[1]["data"][0]["id"] == "demo"


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"model": "other"}, 404, "there is 'demo'"),
        ({"max_tokens": 451}, 422, "max_tokens: 451 is more than the 450 allowed"),
        ({"best_of": 2}, 422, "best_of"),
        ({"prompt": "word " * 600}, 422, "512"),
        ({"prompt": ""}, 422, "at least 1 character"),
    ],
)
def test_custom_vllm_refuses(container: Container, change: dict[str, Any], status: int, message: str) -> None:
    got, answer = container.ask("/vllm/v1/completions", {"model": "demo", "prompt": QUESTION, **change})
    assert (got, message in str(answer["detail"])) == (status, True), answer


def test_custom_vllm_streams(container: Container) -> None:
    chat = {"model": "demo", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    headers, data = container.stream("/vllm/v1/chat/completions", chat)
    assert headers["content-type"].startswith("text/event-stream")
    assert data.pop() == "[DONE]"
    pieces = [json.loads(item)["choices"][0] for item in data]
    assert len(pieces) > 3  # token by token
    assert "".join(piece["delta"]["content"] for piece in pieces) == ANSWER
    assert [piece["finish_reason"] for piece in pieces] == [None] * (len(pieces) - 1) + ["stop"]


def test_a_client_that_leaves_ends_its_request(container: Container) -> None:
    assert json.loads(container.run(LEAVE)) == {"during": 1, "after": 0}


def test_the_replicas_log_survives_the_import_of_vllm(container: Container) -> None:
    program = (
        "import glob; print(open(glob.glob('/tmp/ray/session_latest/logs/serve/replica_custom_vllm_*.log')[0]).read())"
    )
    assert "POST /vllm/v1/chat/completions 200" in container.run(program)


def test_router_streams_and_switches_in_place(container: Container) -> None:
    before = container.replicas()
    assert len(before) == 7
    body = {"model": "any name", "prompt": QUESTION, "stream": True}
    headers, data = container.stream("/ab/v1/completions", body)
    assert (headers["x-ab-target"], len(data) > 3, data[-1]) == ("a", True, "[DONE]")
    container.apply(*applications({"a": 0, "b": 1}, batch_size=2, sentences=2))
    end = time.monotonic() + 30
    while "summary" not in (answer := container.ask("/ab/", {"text": REVIEW})[1]):
        assert time.monotonic() < end, answer
    assert answer["summary"].count(".") == 2
    assert [answer["batch_size"] for answer in json.loads(container.run(TOGETHER))] == [2] * 8
    assert container.replicas() == before  # the same replicas: the engine was not loaded again


def test_check_uses_vllms_own_classes(container: Container) -> None:
    """One start checks a folder of configurations; an engine argument that vLLM does not have is found."""
    engine = {"model_loading_config": {"model_id": "m"}, "accelerator_type": "L4", "engine_kwargs": {"max_modellen": 1}}
    wrong = {"name": "m", "import_path": "ray.serve.llm:build_openai_app", "args": {"llm_configs": [engine]}}
    own = application("custom_vllm", {"model": "m", "engine_args": {"max_modellen": 1}}, {})
    files = {
        "good.yaml": {"applications": applications({"a": 1, "b": 1})},
        "bad.yaml": {"applications": [wrong]},
        "own.yaml": {"applications": [own]},
    }
    program = """
import json, pathlib, subprocess, sys
folder = pathlib.Path("/tmp/check"); folder.mkdir(exist_ok=True)
for name, content in json.load(sys.stdin).items(): (folder / name).write_text(json.dumps(content))
print(subprocess.run([sys.executable, "-m", "llm_serve_app.check", str(folder)], capture_output=True, text=True).stdout)
"""
    out = container.run(program, files)
    assert "good.yaml: valid for Ray 2.60.0" in out
    assert "applications[0].args.llm_configs[0].engine_kwargs: Unknown engine argument: max_modellen" in out
    assert (
        "applications[0].args.engine_args: vLLM has no engine argument 'max_modellen'; did you mean 'max_model_len'?"
        in out
    )
