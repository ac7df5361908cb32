"""Routing strategies on the real cluster: sessions stick, round robin is even, prefixes stay with the replica that knows them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from catalogue import fast_path, served
from cluster import env, install, ray_state
from e2e import deployment, kube
from e2e.kube import Object
from e2e.report import Report

BIG = {**served.SMALL_WORKER, "memory": "7Gi"}


def replicated(name: str, replicas: int, **fields: Any) -> Object:
    """Replicas that share one pod of four (fake) GPUs."""
    made = served.model(name, **fields)
    return {
        **made,
        "accelerators": [{"type": "L4", "count": 4}],
        "resources": BIG,
        "scaling": {"minReplicas": replicas},
    }


@pytest.fixture(scope="module")
def alone(operator: None) -> Iterator[None]:
    """Nobody but the tests asks: the operator's own questions would be counted, too."""
    install.change({"operator.probes": "false"})
    yield
    install.change({"operator.probes": "true"})


@pytest.fixture(scope="module")
def fast(devices: None, alone: None, report: Report) -> Iterator[str]:
    made = served.document(
        "routing",
        replicated("session", 3, routing={"strategy": "Session", "session": {"header": "X-Chat-Id"}}),
        replicated("turns", 2),
    )
    with served.served(made) as seconds, served.reached("routing") as url:
        report.add("routing, five replicas of two models: apply to Ready", seconds)
        yield url


def _answered(url: str, model: str, count: int, headers: dict[str, str] | None = None) -> Counter[str]:
    """Who answered `count` requests. A reload of HAProxy while they are sent loses counts: then they are sent again."""
    for _ in range(5):
        before = fast_path.requests_per_replica("routing", model)
        assert {fast_path.chat(f"{url}/{model}", model, f"question {i}", headers) for i in range(count)} == {200}
        found = fast_path.answered_by("routing", model, before)
        if found.total() == count:
            return found
    raise AssertionError(f"HAProxy counted {found} of {count} requests, five times")


def test_round_robin_is_even(fast: str) -> None:
    """The default of the fast path."""
    assert sorted(_answered(fast, "turns", 20).values()) == [10, 10]


def test_a_session_stays_with_one_replica(fast: str) -> None:
    used = set()
    for session in ("anna", "ben", "carla", "dora", "emil", "franz", "greta", "hans"):
        found = _answered(fast, "session", 4, {"X-Chat-Id": session})
        assert list(found.values()) == [4], f"session {session} went to {found}"
        used |= set(found)
    assert len(used) > 1, "every session went to the same replica"


def test_requests_without_a_session_are_spread(fast: str) -> None:
    assert len(_answered(fast, "session", 40)) == 3


@pytest.fixture(scope="module")
def classic(devices: None) -> Iterator[str]:
    made = served.document("prefix", replicated("prefix", 2, routing={"strategy": "PrefixCacheAffinity"}))
    with served.served(made), served.reached("prefix") as url:
        yield url


def test_prefix_affinity_switches_the_fast_path_off(classic: str) -> None:
    state = deployment.state("prefix", "FastPath")
    assert (state.status, state.reason) == ("False", "RoutingNeedsIngress")


_CALLS = """
import glob, json
logs = glob.glob("/tmp/ray/session_latest/logs/serve/replica_prefix_LLMServer*.log")
print("\\n" + json.dumps({log[-12:-4]: sum(" CALL chat OK" in line for line in open(log)) for log in logs}))
"""


def _calls() -> Counter[str]:
    """Replica → chat requests that it has answered, by its own log."""

    found: Counter[str] = Counter()
    for pod in ray_state.workers(served.active_cluster("prefix"), kube.NAMESPACE):
        printed = env.read_in_pod(kube.NAMESPACE, pod.name, "python3", "-c", _CALLS)
        found += Counter(json.loads(printed.splitlines()[-1]))
    return found


def test_a_prefix_stays_with_the_replica_that_knows_it(classic: str) -> None:
    homes: dict[str, set[str]] = {}
    for _ in range(2):
        for prefix in ("alpha ", "beta ", "gamma ", "delta "):
            before = _calls()
            assert {fast_path.chat(classic, "prefix", prefix * 60 + f"q{i}") for i in range(4)} == {200}
            homes.setdefault(prefix, set()).update(+(_calls() - before))
    assert all(len(home) == 1 for home in homes.values()), homes
    assert len({name for home in homes.values() for name in home}) == 2, "every prefix went to the same replica"
