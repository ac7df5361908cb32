"""A node is drained: replicas move, requests go on being answered, and the head stays until its owner has moved it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Final

import pytest
from catalogue import inside, served
from cluster import env, nodes
from cluster.shell import say
from e2e import deployment, kube
from e2e.report import Report

NAME: Final = "drained"
_MOVE_SECONDS: Final = 240.0
_FAILED_MOST: Final = 3
_SELECTOR: Final = f"llm-operator.io/deployment={NAME}"

pytestmark = pytest.mark.usefixtures("devices")


@pytest.fixture
def uncordoned() -> Iterator[None]:
    """Whatever happened, pods may go everywhere afterwards."""
    assert len(nodes.existing()) > 1, "these tests need several nodes: `make cluster NODES=2`"
    yield
    env.kubectl("uncordon", *nodes.existing())


def _drain(node: str, seconds: int) -> subprocess.CompletedProcess[str]:
    """Of our pods only: the rest of the local cluster shall go on as it is."""
    return env.try_kubectl(
        "drain", node, f"--pod-selector={_SELECTOR}", "--delete-emptydir-data", "--ignore-daemonsets",
        f"--timeout={seconds}s",
    )  # fmt: skip


def _node_of(pod: str) -> str:
    return str(kube.existing("pods", pod)["spec"]["nodeName"])


def _elsewhere(node: str) -> bool:
    """Both workers are ready, and not on that node."""
    ready = served.ready_workers(NAME)
    return len(ready) == 2 and all(pod["spec"].get("nodeName") != node for pod in ready)


def test_drain(uncordoned: None, report: Report) -> None:
    spread = [{"topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}]
    made = served.document(NAME, served.model(NAME, scaling={"minReplicas": 2, "maxReplicas": 2}))
    made["spec"]["scheduling"] = {"topologySpread": spread}
    with served.served(made), inside.load(NAME, NAME) as running:
        head = served.head_pod(NAME)
        node = _node_of(head)
        before = {pod["spec"]["nodeName"] for pod in served.workers(NAME)}
        assert node in before, "a replica shares the head's node, so the drain moves one"
        begin = time.time()
        done = _drain(node, 20)
        assert done.returncode != 0
        assert "disruption budget" in done.stderr, done.stderr
        assert served.head_pod(NAME) == head, "the head stays"
        kube.until("the replicas are on the other node", lambda: _elsewhere(node), seconds=_MOVE_SECONDS)
        kube.until("Ready=True", lambda: deployment.state(NAME).status == "True", seconds=_MOVE_SECONDS)
        report.add("node drained: until the replicas are elsewhere and Ready", time.time() - begin)
        answers = [each for each in running.answers() if each.begin + each.seconds >= begin]
        failed = [each for each in answers if not each.good]
        say(f"failed while the node was drained: {failed}")
        report.add("node drained: requests", len(answers), "requests")
        report.add("node drained: failed requests", len(failed), "requests")
        report.add("node drained: longest time without an answer", inside.longest_gap(answers))
        assert len(failed) <= _FAILED_MOST, failed
