"""Requests from inside the cluster while something changes: short ones in a loop, and long streams that outlive a switch.

A forwarded port ends at one pod; only a client in the cluster goes where the Service goes. Every request has a connection of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cluster import env, names
from e2e import kube
from e2e.kube import Object

STOP_SECONDS: Final = 120.0
_SCRIPT: Final = """
import http.client, json, os, sys, threading, time
host, port, path, model = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
loops, streams, tokens, retries = map(int, sys.argv[5:9])
lock, stop = threading.Lock(), "/tmp/stop"
seen = {"answered": 0, "streamed": 0, "failures": [], "slowest": 0.0, "longest_stream": 0.0, "longest_gap": 0.0, "retried": 0}
last = [time.monotonic()]

def failed(kind, begin, why):
    with lock:
        seen["failures"].append(f"{kind} at {time.strftime('%H:%M:%S')} after {time.monotonic() - begin:.1f} s: {why}"[:300])

def ask(body):
    for number in range(retries + 1):
        answer = once(body)
        if answer.status < 500 or number == retries:
            break
        with lock:
            seen["retried"] += 1
        time.sleep(0.5 * 2 ** number)
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {answer.read(200)!r}")
    return answer

def once(body):
    made = http.client.HTTPConnection(host, port, timeout=120)
    made.request("POST", path + "/chat/completions", json.dumps({"model": model, **body}), {"Content-Type": "application/json"})
    return made.getresponse()

def short():
    begin = time.monotonic()
    try:
        answer = json.loads(ask({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}).read())
        assert answer["choices"][0]["message"]["content"], answer
    except Exception as error:
        return failed("request", begin, repr(error))
    with lock:
        now = time.monotonic()
        seen["answered"] += 1
        seen["slowest"] = max(seen["slowest"], now - begin)
        seen["longest_gap"] = max(seen["longest_gap"], now - last[0])
        last[0] = now

def stream():
    begin, count, begun, done, line = time.monotonic(), 0, False, False, b""
    try:
        body = {"messages": [{"role": "user", "content": "tell me"}], "max_tokens": tokens, "stream": True}
        for each in ask(body):
            line = each.strip() or line
            done = done or line == b"data: [DONE]"
            count += each.startswith(b"data: {") and b'"content":' in line
            if count == 1 and not begun:
                begun = True
                print("streaming", flush=True)
        assert done and count >= tokens, f"{count} of {tokens} tokens, done: {done}, last: {line[:200]!r}"
    except Exception as error:
        return failed("stream", begin, repr(error))
    with lock:
        seen["streamed"] += 1
        seen["longest_stream"] = max(seen["longest_stream"], time.monotonic() - begin)

def again(what, pause):
    while not os.path.exists(stop):
        what()
        time.sleep(pause)

threads = [threading.Thread(target=again, args=(short, 0.2)) for _ in range(loops)]
threads += [threading.Thread(target=again, args=(stream, 0.1)) for _ in range(streams)]
for thread in threads:
    thread.start()
    time.sleep(0.3)
for thread in threads:
    thread.join()
print(json.dumps(seen), flush=True)
"""


@dataclass(slots=True)
class Load:
    """What the client in the cluster has seen; filled when it has stopped."""

    pod: str
    answered: int = 0
    streamed: int = 0
    failures: tuple[str, ...] = ()
    slowest: float = 0.0
    longest_stream: float = 0.0
    longest_gap: float = 0.0
    """Seconds between two answers of the loops."""
    retried: int = 0
    """Answers of 500 and more that were followed by another attempt."""

    def until_streaming(self, count: int) -> None:
        """Waits until so many streams have begun."""

        def begun() -> bool:
            lines = env.kubectl("logs", "-n", kube.NAMESPACE, self.pod).splitlines()
            return sum(line == "streaming" for line in lines) >= count

        kube.until(f"{count} streams have begun", begun, seconds=60)

    def stop(self) -> None:
        """Lets streams end and takes the result."""
        env.kubectl("exec", "-n", kube.NAMESPACE, self.pod, "--", "touch", "/tmp/stop")
        kube.until(f"{self.pod} has stopped", lambda: _phase(self.pod) in ("Succeeded", "Failed"), seconds=STOP_SECONDS)
        said = json.loads(env.kubectl("logs", "-n", kube.NAMESPACE, self.pod).strip().splitlines()[-1])
        self.failures = tuple(said.pop("failures"))
        for key, value in said.items():
            setattr(self, key, value)


def _phase(pod: str) -> str:
    found = kube.get("pods", pod) or {}
    return str(found.get("status", {}).get("phase", ""))


def _pod(name: str, arguments: list[str]) -> Object:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container: dict[str, Any] = {
        "name": "load",
        "image": names.image_ref("serve-cpu"),
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", _SCRIPT, *arguments],
        "securityContext": security,
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": kube.NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }


@contextmanager
def load(
    name: str, model: str, *, loops: int = 1, streams: int = 1, tokens: int = 60, retries: int = 0
) -> Iterator[Load]:
    """Runs while the context is open, against the URL of a model's status. `retries`: after an answer of 500 and more."""
    entries = kube.existing(kube.LLM, name)["status"]["models"]
    url: str = next(entry["url"] for entry in entries if entry["name"] == model)
    where = urlsplit(url)
    pod = f"{name}-load-{int(time.time()) % 100_000}"
    numbers = [str(loops), str(streams), str(tokens), str(retries)]
    kube.apply(_pod(pod, [str(where.hostname), str(where.port or 80), where.path, model, *numbers]))
    running = Load(pod)
    try:
        kube.until(f"{pod} runs", lambda: _phase(pod) == "Running", seconds=60)
        yield running
        running.stop()
    finally:
        kube.delete("pods", pod)
