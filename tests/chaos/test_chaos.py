"""Random faults on the real cluster under a load of requests; MINUTES (default 30) and SEED are environment variables.

At the end every object is Ready, nothing is stuck, the operator's memory is flat, and every failed request lies between a fault
that may cost requests and the moment at which the model answered again.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from chaos.faults import FAULTS, NAME, Fault
from chaos.load import Request, load, requests
from cluster import env, names
from cluster.shell import say
from e2e import deployment, kube
from e2e.report import Report

_MINUTES: Final = float(os.environ.get("MINUTES") or 30)
_SEED: Final = int(os.environ.get("SEED") or time.time())
_RECOVERY_SECONDS: Final = 420.0
_QUIET_SECONDS: Final = 10.0
_RSS_GROWTH: Final = 16 * 2**20
pytestmark = pytest.mark.timeout(_MINUTES * 60 + 1800)


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that happened: from when to when it may explain failures (Unix time)."""

    fault: Fault
    begin: float
    end: float

    def explains(self, request: Request) -> bool:
        """Whether the request was under way while the fault lasted."""
        return not self.fault.harmless and request.at < self.end and request.end > self.begin


def _document() -> dict[str, Any]:
    """Two simulated replicas on CPUs: everything but the engine is real."""
    model = {
        "name": NAME,
        "source": {"uri": "file:///models/demo"},
        "engine": {
            "type": "Simulated",
            "contextLength": 256,
            "simulation": {"timeToFirstTokenMs": 50, "outputTokens": 8},
        },
        "accelerators": [{"type": "CPU"}],
        "resources": {"cpu": "100m", "memory": "2Gi", "sharedMemory": "128Mi"},
        "scaling": {"minReplicas": 2, "maxReplicas": 2},
    }
    head = {"resources": {"cpu": "200m", "memory": "3Gi"}}
    return {
        "apiVersion": "llm-operator.io/v1alpha1",
        "kind": "LLMDeployment",
        "metadata": {"name": NAME, "namespace": kube.NAMESPACE},
        "spec": {"models": [model], "ray": {"image": names.image_ref("serve-cpu"), "head": head}},
    }


@pytest.fixture
def serving(operator: None) -> Iterator[str]:
    """The model's URL inside the cluster."""
    kube.apply(_document())
    deployment.until_condition(NAME, "Ready", "Serving", seconds=deployment.READY_SECONDS)
    yield str(kube.existing(kube.LLM, NAME)["status"]["url"])
    deployment.clear(NAME)


def _resident() -> float:
    """Bytes of the largest operator process, when both are there: the last fault may have killed one."""
    env.kubectl("rollout", "status", "deployment/llm-operator", "-n", names.OPERATOR_NAMESPACE, "--timeout=120s")
    found = kube.items("pods", "app.kubernetes.io/name=llm-operator", names.OPERATOR_NAMESPACE)
    ready = [pod for pod in found if any(c["type"] == "Ready" and c["status"] == "True" for c in _conditions(pod))]
    return max(_resident_of(pod["metadata"]["name"]) for pod in ready)


def _conditions(pod: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pod.get("status", {}).get("conditions", [])
    return found


def _resident_of(pod: str) -> float:
    path = f"/api/v1/namespaces/{names.OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/metrics"
    match = re.search(r"^process_resident_memory_bytes (\S+)$", env.kubectl("get", "--raw", path), re.MULTILINE)
    assert match is not None
    return float(match[1])


def _recovered(since: float) -> float | None:
    """When the model had answered ten seconds long without a failure, and says so, with all of its replicas there; None as long
    as it does not."""
    try:
        ready = (deployment.state(NAME).status, deployment.state(NAME, "Degraded").status) == ("True", "False")
        seen = [request for request in requests() if request.end > since]
    except Exception:  # the API server may be the one that was hit
        return None
    failed = max((request.end for request in seen if request.problem), default=since)
    answered = [request.end for request in seen if not request.problem and request.at >= failed]
    done = ready and answered and max(answered) - failed > _QUIET_SECONDS
    return failed if done else None


def _strike(fault: Fault, chance: random.Random) -> Struck:
    begin = time.time()
    fault.strike(chance)
    end = kube.until(f"recovered from: {fault.name}", lambda: _recovered(begin), seconds=_RECOVERY_SECONDS)
    say(f"{fault.name}: requests failed until {end - begin:.0f} s after it")
    return Struck(fault, begin, end + 1)


def _bag(chance: random.Random) -> Iterator[Fault]:
    """Every fault once before any comes again, in a random order."""
    while True:
        yield from chance.sample(FAULTS, len(FAULTS))


def test_everything_recovers(serving: str, report: Report) -> None:
    say(f"chaos: {_MINUTES:g} minutes, SEED={_SEED}")
    chance, until = random.Random(_SEED), time.monotonic() + _MINUTES * 60
    with load(serving, NAME):
        before = _resident()
        struck = []
        for fault in _bag(chance):
            struck.append(_strike(fault, chance))
            if time.monotonic() > until:
                break
        seen = requests()
    _tell(report, seen, struck)
    unexplained = [entry for entry in seen if entry.problem and not any(each.explains(entry) for each in struck)]
    assert unexplained == []
    stuck = [item["metadata"]["name"] for item in kube.items("pods") if "deletionTimestamp" in item["metadata"]]
    assert stuck == []
    assert {item["metadata"]["name"]: _is_ready(item) for item in kube.items(kube.LLM)} == {NAME: True}
    growth = _resident() - before
    report.add("operator's memory: growth", growth / 2**20, "MiB")
    assert growth < _RSS_GROWTH


def _is_ready(item: dict[str, Any]) -> bool:
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in item["status"]["conditions"])


def _tell(report: Report, seen: list[Request], struck: list[Struck]) -> None:
    report.add("requests", len(seen), "")
    report.add("requests failed", sum(bool(entry.problem) for entry in seen), "")
    for each in struck:
        failed = [entry.problem for entry in seen if entry.problem and each.begin <= entry.end <= each.end]
        report.add(f"{each.fault.name}: failed requests", len(failed), "")
        report.add(f"{each.fault.name}: until answered", max(0.0, each.end - 1 - each.begin))
        say(json.dumps({"fault": each.fault.name, "problems": sorted(set(failed))[:3]}))
