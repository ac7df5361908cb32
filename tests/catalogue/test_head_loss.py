"""The head's pod is lost: with its state in Redis the models go on answering, without they start anew. A budget keeps evictions off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from catalogue import inside, served
from cluster import env, redis
from cluster.shell import say
from e2e import deployment, kube
from e2e.kube import Object
from e2e.report import Report

NAME: Final = "headless"
_SECRET: Final = "headless-redis"
_RECOVERY_SECONDS: Final = 240.0
_QUIET_SECONDS: Final = 20.0
_FAILED_MOST: Final = 2
"""Requests of one client that may fail while a head with its state in Redis comes back."""

pytestmark = pytest.mark.usefixtures("devices")


def _document(server: redis.Redis | None) -> Object:
    head: dict[str, Any] = dict(served.SMALL_HEAD)
    if server is not None:
        password = {"name": _SECRET, "key": "password"}
        head["faultTolerance"] = {"redis": {"address": server.address, "passwordSecretRef": password}}
    made = served.document(NAME, served.model(NAME, scaling={"minReplicas": 2, "maxReplicas": 2}))
    made["spec"]["ray"]["head"] = head
    return made


def _secret(server: redis.Redis) -> Object:
    metadata = {"name": _SECRET, "namespace": kube.NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": server.password}}


@pytest.fixture(scope="module")
def storage() -> Iterator[redis.Redis]:
    """A Redis, and its password where the head looks for it."""
    with redis.server() as running:
        kube.apply(_secret(running))
        yield running
        kube.delete("secret", _SECRET)


def _kill_head() -> str:
    """As when its node dies: no grace, no good-bye. The pod's name."""
    pod = served.head_pod(NAME)
    env.kubectl("delete", "pod", pod, "-n", kube.NAMESPACE, "--grace-period=0", "--force")
    return pod


def _new_head(old: str) -> bool:
    heads = kube.items("pods", f"llm-operator.io/deployment={NAME},ray.io/node-type=head")
    return any(
        pod["metadata"]["name"] != old
        and any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))
        for pod in heads
    )


def _evicting(pod: str) -> str:
    """What the API server would say to an eviction of the pod; empty when it would do it."""
    metadata = {"name": pod, "namespace": kube.NAMESPACE}
    options = {"dryRun": ["All"]}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options}
    path = f"/api/v1/namespaces/{kube.NAMESPACE}/pods/{pod}/eviction"
    done = env.try_kubectl("create", "--raw", path, "-f", "-", input=json.dumps(body))
    return "" if done.returncode == 0 else done.stderr


def test_head_with_its_state_in_redis(storage: redis.Redis, report: Report) -> None:
    with served.served(_document(storage)) as seconds, inside.load(NAME, NAME) as running:
        report.add("head in Redis: applied to Ready", seconds)
        assert storage.keys(), "Ray keeps its state there"
        assert _evicting(served.head_pod(NAME)) == "", "nothing keeps a drain from this head"
        workers = {pod["metadata"]["uid"] for pod in served.workers(NAME)}
        begin = time.time()
        old = _kill_head()
        reasons: set[str] = set()

        def back() -> bool:
            ready = deployment.state(NAME)
            reasons.add(f"Ready={ready.status}")
            reasons.add(f"Degraded={deployment.state(NAME, 'Degraded').reason}")
            return _new_head(old)

        kube.until("a new head is ready", back, seconds=_RECOVERY_SECONDS)
        report.add("head in Redis: killed to a new head that is ready", time.time() - begin)
        kube.until(
            "all is well again",
            lambda: (
                back()
                and deployment.state(NAME, "Degraded").status == "False"
                and deployment.state(NAME).status == "True"
            ),
            seconds=_RECOVERY_SECONDS,
        )
        report.add("head in Redis: killed to Degraded=False", time.time() - begin)
        until = time.time() + _QUIET_SECONDS

        def quiet() -> list[inside.Answer] | None:
            found = running.answers()
            return found if found and found[-1].begin > until else None

        answers = kube.until("requests after it", quiet, seconds=2 * _QUIET_SECONDS)
        after = [answer for answer in answers if answer.begin + answer.seconds >= begin]
        failed = [answer for answer in after if not answer.good]
        say(f"seen while the head came back: {sorted(reasons)}; failed: {failed}")
        report.add("head in Redis: requests", len(after), "requests")
        report.add("head in Redis: failed requests", len(failed), "requests")
        report.add("head in Redis: longest time without an answer", inside.longest_gap(after))
        assert {pod["metadata"]["uid"] for pod in served.workers(NAME)} == workers, "no worker was replaced"
        assert len(failed) <= _FAILED_MOST, failed
        assert "Ready=False" not in reasons
    kube.until("Redis is clean after the deletion", lambda: not storage.keys(), seconds=120)


def test_head_without_fault_tolerance(report: Report) -> None:
    with served.served(_document(None)), inside.load(NAME, NAME) as running:
        accepted = deployment.state(NAME, "Accepted")
        assert "no fault tolerance of the head" in accepted.message
        assert any(event["reason"] == "NoHeadFaultTolerance" for event in kube.events(NAME))
        refused = _evicting(served.head_pod(NAME))
        assert "disruption budget" in refused, refused
        begin = time.time()
        old = _kill_head()
        kube.until("Ready=False", lambda: deployment.state(NAME).status == "False", seconds=30)
        report.add("head without storage: killed to Ready=False", time.time() - begin)
        kube.until("a new head is ready", lambda: _new_head(old), seconds=_RECOVERY_SECONDS)
        kube.until("Ready=True", lambda: deployment.state(NAME).status == "True", seconds=_RECOVERY_SECONDS)
        report.add("head without storage: killed to Ready=True", time.time() - begin)
        first = time.time()

        def answered() -> list[inside.Answer] | None:
            found = running.answers()
            return found if any(each.good and each.begin > first for each in found) else None

        answers = kube.until("an answer after Ready", answered, seconds=60)
        after = [answer for answer in answers if answer.begin + answer.seconds >= begin]
        report.add("head without storage: failed requests", sum(not answer.good for answer in after), "requests")
        report.add("head without storage: longest time without an answer", inside.longest_gap(after))
        assert inside.longest_gap(after) > 0
        late = [answer for answer in after if answer.begin > first and not answer.good]
        assert not late, "Ready was said too early"
