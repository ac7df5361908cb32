"""Requests from inside the cluster while things break: a pod with the `openai` client, which writes down each answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from cluster import env, names
from e2e import kube

_POD: Final = "chaos-client"
# One request at a time in each of two threads; no retries: what a user's own client would have to repeat is counted.
_SCRIPT: Final = """
import json, sys, threading, time, openai
client = openai.OpenAI(base_url=sys.argv[1], api_key="none", timeout=20, max_retries=0)
lock = threading.Lock()

def ask(stream):
    text = {"model": sys.argv[2], "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8}
    if not stream:
        return client.chat.completions.create(**text).choices[0].finish_reason
    last = None
    for chunk in client.chat.completions.create(stream=True, **text):
        last = chunk.choices[0].finish_reason or last
    if last is None:
        raise RuntimeError("the stream was cut")
    return last

def loop(stream):
    while True:
        begin, problem = time.time(), ""
        try:
            ask(stream)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"[:200]
        with lock:
            print(json.dumps({"at": begin, "seconds": time.time() - begin, "stream": stream, "problem": problem}), flush=True)
        time.sleep(0.5)

threads = [threading.Thread(target=loop, args=(stream,)) for stream in (False, True)]
[thread.start() for thread in threads]
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it began (Unix time), how long it took, what went wrong ("" = nothing)."""

    at: float
    seconds: float
    stream: bool
    problem: str

    @property
    def end(self) -> float:
        """When it was answered or failed."""
        return self.at + self.seconds


@contextmanager
def load(base_url: str, model: str) -> Iterator[None]:
    """A steady load on one model while the context is open."""
    env.kubectl("delete", "pod", _POD, "-n", kube.NAMESPACE, "--ignore-not-found", "--grace-period=0", "--force")
    kube.apply(_pod(base_url, model))
    kube.until("the client runs", lambda: requests() != [], seconds=120)
    try:
        yield
    finally:
        env.kubectl("delete", "pod", _POD, "-n", kube.NAMESPACE, "--ignore-not-found", "--grace-period=0", "--force")


def requests() -> list[Request]:
    """All requests so far."""
    printed = env.kubectl("logs", _POD, "-n", kube.NAMESPACE, check=False)
    return [Request(**json.loads(line)) for line in printed.splitlines() if line.startswith("{")]


def _pod(base_url: str, model: str) -> dict[str, Any]:
    """A pod that the strictest PodSecurity level takes."""
    container = {
        "name": "client",
        "image": names.image_ref("serve-cpu"),
        "command": ["python3", "-c", _SCRIPT, base_url, model],
        "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _POD, "namespace": kube.NAMESPACE},
        "spec": {"containers": [container], "securityContext": security, "terminationGracePeriodSeconds": 1},
    }
