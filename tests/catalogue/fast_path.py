"""What the tests of the fast path look at: HAProxy's own counts of requests per replica, and raw HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from typing import Any, Final

from catalogue import served
from cluster import env, ray_state
from e2e import kube

# Port 8404: RAY_SERVE_HAPROXY_STATS_PORT (Ray 2.60.0, serve/_private/haproxy_templates.py). `stot`: requests per server.
_COUNTS: Final = """
import csv, io, json, urllib.request
text = urllib.request.urlopen("http://127.0.0.1:8404/stats;csv", timeout=10).read().decode().removeprefix("# ")
rows = [row for row in csv.DictReader(io.StringIO(text)) if row["svname"].startswith("SERVE_REPLICA_")]
print("\\n" + json.dumps([[row["pxname"], row["svname"], int(row["stot"] or 0)] for row in rows]))
"""


def requests_per_replica(name: str, model: str) -> Counter[str]:
    """Replica → requests that every pod's HAProxy has sent it since its last reload; 0 for one without any."""
    found: Counter[str] = Counter()
    for pod in ray_state.pods(served.active_cluster(name), kube.NAMESPACE):
        printed = env.read_in_pod(kube.NAMESPACE, pod.name, "python3", "-c", _COUNTS)
        for backend, server, count in json.loads(printed.splitlines()[-1]):
            if backend.startswith(f"http-{model}"):
                found[server] += count
    return found


def answered_by(name: str, model: str, before: Counter[str]) -> Counter[str]:
    """Requests of each replica since `before`; only those with any."""
    return +(requests_per_replica(name, model) - before)


def request(
    url: str, body: Any = None, headers: dict[str, str] | None = None, *, timeout: float = 60
) -> tuple[int, str]:
    """Status and text of an answer; POST with a body, else GET."""
    data = None if body is None else json.dumps(body).encode()
    made = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(made, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def chat(base_url: str, model: str, text: str, headers: dict[str, str] | None = None, *, timeout: float = 60) -> int:
    """Status of one short chat request; `base_url` without /v1."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 2}
    return request(f"{base_url}/v1/chat/completions", body, headers, timeout=timeout)[0]
