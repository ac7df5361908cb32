"""Runs inside the serving image: the metrics of the engines on a local Ray of one node."""

import time
import urllib.request
from collections.abc import Callable
from typing import Any

import ray

EXPORT = {"metrics_report_interval_ms": 1000}
"""For ray.init(_system_config=...): each process exports once a second. Ray's default is ten."""
EXPORT_SECONDS = 3
"""After so long every process has exported what it counted before."""


def metrics() -> dict[str, float]:
    """Samples of ray_vllm_* on this node, by name, model and finish reason, summed over replicas."""
    port = ray.nodes()[0]["MetricsExportPort"]
    text = (
        urllib.request.urlopen(f"http://{ray.nodes()[0]['NodeManagerAddress']}:{port}/metrics", timeout=10)
        .read()
        .decode()
    )
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("ray_vllm_"):
            labels, value = line.rsplit(" ", 1)
            name, _, rest = labels.partition("{")
            pairs = dict(pair.split("=", 1) for pair in rest.rstrip("}").split(",") if "=" in pair)
            if "_bucket" not in name:
                parts = [name, pairs.get("model_name", ""), pairs.get("finished_reason", "")]
                key = "/".join(part.strip('"') for part in parts if part)
                found[key] = found.get(key, 0) + float(value)
    return found


def until(ready: Callable[[], Any], seconds: float = 60) -> Any:
    """What `ready` gives as soon as it is true, or its last answer."""
    end = time.monotonic() + seconds
    while not (value := ready()) and time.monotonic() < end:
        time.sleep(0.25)
    return value


def settled(ended: dict[str, int]) -> dict[str, float]:
    """The metrics once so many requests ("model/finish reason" -> count) are reported as ended, or after a minute. Every
    process exports for itself: one period later, whatever those requests counted is there."""
    want = {f"ray_vllm_request_success_total/{key}": count for key, count in ended.items()}
    until(lambda: want.items() <= metrics().items())
    time.sleep(EXPORT_SECONDS)
    return metrics()
