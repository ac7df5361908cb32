"""Streams are not cut: whatever ends a replica waits for the longest generation that the spec allows (gracefulShutdownSeconds)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from builders import llm
from hypothesis import assume, given, settings
from llm_operator.api.validation import validate
from llm_operator.render.drain import RAY_SECONDS, VARIABLE, drain_of
from llm_operator.sync import sync
from ray._private.ray_constants import RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S
from ray.serve._private.constants import (
    RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S,
    RAY_SERVE_DIRECT_INGRESS_SHUTDOWN_BUFFER_S,
)
from unit.strategies import specs
from unit.test_drawn_specs import accepted, quick, scope

RAY_TEARDOWN_SECONDS = 20
"""Of `ray start --block` after the time to drain, as measured with Ray 2.60.0."""
HAPROXY = "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S"


def _longest(spec: dict[str, Any]) -> dict[str, int]:
    """Application → the longest time that one of its deployments may need to end its requests."""
    typed = validate("chat", spec)
    asked = {model.name: [model.health.graceful_shutdown_seconds] for model in typed.models}
    asked |= {
        each.name: [deployment.health.graceful_shutdown_seconds for deployment in each.deployments]
        for each in typed.applications
    }
    return {name: max(seconds) for name, seconds in asked.items()}


def _pods(cluster: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield cluster["headGroupSpec"]["template"]["spec"]
    yield from (group["template"]["spec"] for group in cluster["workerGroupSpecs"])


def _variable(pod: dict[str, Any], name: str) -> str | None:
    return next((each.get("value") for each in pod["containers"][0]["env"] if each["name"] == name), None)


@given(specs)
@settings(quick, max_examples=60)
def test_every_wait_covers_the_longest_generation(spec: dict[str, Any]) -> None:
    spec = {**spec, "paused": False, "suspend": False}
    outcome = sync(scope(spec))
    assume(accepted(outcome)[0] == "True")
    assert outcome.apply is not None
    made, longest = outcome.apply["spec"], _longest(spec)
    config = json.loads(made["serveConfigV2"])
    for application in config["applications"]:
        waits = [each["graceful_shutdown_timeout_s"] for each in application["deployments"]]
        # Every deployment of a model carries its requests, the ingress too; of a custom application each has its own number.
        assert max(waits) == longest[application["name"]]
        if application["name"] in {model["name"] for model in spec["models"]}:
            assert min(waits) == longest[application["name"]]
    # The old Ray cluster of an upgrade. On the fast path Serve raises a shorter time to its own least one.
    floor = RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S + RAY_SERVE_DIRECT_INGRESS_SHUTDOWN_BUFFER_S
    assert made["rayClusterDeletionDelaySeconds"] >= max(*longest.values(), floor)
    for pod in _pods(made["rayClusterConfig"]):
        stop = _variable(pod, HAPROXY)
        assert stop is None or int(stop) >= max(longest.values())
    head, *workers = _pods(made["rayClusterConfig"])
    for pod in workers:
        drain = int(_variable(pod, VARIABLE) or 0)
        assert drain >= max(longest.values()) + 10
        assert pod["terminationGracePeriodSeconds"] >= drain + RAY_TEARDOWN_SECONDS
    # No replica runs there, and whoever waits for a new head would wait for the end of the old one.
    assert _variable(head, VARIABLE) is None
    assert drain_of(outcome.apply) == drain


def test_no_shorter_than_rays_own() -> None:
    made = sync(scope(llm("a").model(health={"gracefulShutdownSeconds": 0}).object()["spec"])).apply
    assert drain_of(made) == RAY_SECONDS == RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S


@pytest.mark.parametrize(
    "env",
    [
        None,
        [],
        "nonsense",
        [{"name": VARIABLE}],
        [{"name": VARIABLE, "value": "soon"}],
        [{"name": VARIABLE, "value": "-5"}],
        [7],
    ],
)
def test_nonsense_in_a_live_object_is_no_time(env: Any) -> None:
    live = sync(scope(llm("a").object()["spec"])).apply or {}
    live["spec"]["rayClusterConfig"]["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]["env"] = env
    assert drain_of(live) == 0
    assert drain_of({"spec": {"rayClusterConfig": {"workerGroupSpecs": []}}}) == 0
    assert drain_of(None) == 0
