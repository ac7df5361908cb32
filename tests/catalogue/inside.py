"""Requests from a pod of the cluster, through the Service, as clients send them: a forwarded port would hang on one pod."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from cluster import env, names
from e2e import kube

_LOOP: Final = """
import json, sys, threading, time, urllib.error, urllib.request
url, model, threads, timeout = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}).encode()
def ask():
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            answer.read()
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return type(getattr(error, "reason", error)).__name__
def loop():
    while True:
        begin = time.time()
        said = ask()
        print(json.dumps([begin, time.time() - begin, said]), flush=True)
        time.sleep(0.2)
for _ in range(threads):
    threading.Thread(target=loop, daemon=True).start()
threading.Event().wait()
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it began (seconds since 1970, of the node), how long it took, the HTTP status or the error's name."""

    begin: float
    seconds: float
    said: str

    @property
    def good(self) -> bool:
        """200."""
        return self.said == "200"


@dataclass(frozen=True, slots=True)
class Load:
    """A pod that asks, one request after the other in each of its threads."""

    pod: str

    def answers(self) -> list[Answer]:
        """All so far, by their beginning."""
        printed = env.kubectl("logs", "-n", kube.NAMESPACE, self.pod)
        rows = (json.loads(line) for line in printed.splitlines() if line.startswith("["))
        return sorted((Answer(*row) for row in rows), key=lambda answer: answer.begin)


def longest_gap(answers: list[Answer]) -> float:
    """Longest time between two good answers, in seconds."""
    ends = sorted(answer.begin + answer.seconds for answer in answers if answer.good)
    return max((after - before for before, after in itertools.pairwise(ends)), default=float("inf"))


@contextmanager
def load(name: str, model: str, *, threads: int = 1, timeout: float = 60) -> Iterator[Load]:
    """Running, and answered once, when the context begins; the pod goes at its end."""
    entries = kube.existing(kube.LLM, name)["status"]["models"]
    url: str = next(entry["url"] for entry in entries if entry["name"] == model)
    pod = f"load-{uuid4().hex[:6]}"
    container = {
        "name": "load",
        "image": names.image_ref("serve-cpu"),
        "command": ["python3", "-u", "-c", _LOOP, f"{url}/chat/completions", model, str(threads), str(timeout)],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
    }
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        # The first node is the control plane, which no test drains.
        "nodeSelector": {"kubernetes.io/hostname": names.NODE},
        "tolerations": [{"operator": "Exists"}],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": kube.NAMESPACE}, "spec": spec}
    kube.apply(made)
    try:
        running = Load(pod)
        env.kubectl("wait", "-n", kube.NAMESPACE, f"pod/{pod}", "--for=condition=Ready", "--timeout=60s")
        kube.until("the load is answered", lambda: any(each.good for each in running.answers()), seconds=60)
        yield running
    finally:
        kube.delete("pod", pod)
