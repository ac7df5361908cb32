"""A RayService's status: what counts as ready, what is unknown, and that nothing makes it fall."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from llm_operator.api.conditions import Status
from llm_operator.status.observed import UNKNOWN, Application, observe
from unit.strategies import json_values


def application(status: str, engine: str = "", message: str = "", engine_message: str = "") -> Application:
    return Application(status, message, engine, engine_message)


@pytest.mark.parametrize(
    ("status", "engine", "want"),
    [
        ("RUNNING", "HEALTHY", Status.TRUE),
        ("RUNNING", "UPSCALING", Status.TRUE),
        ("RUNNING", "DOWNSCALING", Status.TRUE),
        ("RUNNING", "UPDATING", Status.FALSE),
        ("RUNNING", "UNHEALTHY", Status.FALSE),
        ("RUNNING", "", Status.FALSE),
        ("DEPLOYING", "HEALTHY", Status.FALSE),
        ("NOT_STARTED", "", Status.FALSE),
        ("DEPLOY_FAILED", "DEPLOY_FAILED", Status.FALSE),
        ("DELETING", "HEALTHY", Status.FALSE),
        ("UNHEALTHY", "UNHEALTHY", Status.FALSE),
        ("", "HEALTHY", Status.UNKNOWN),
    ],
)
def test_ready(status: str, engine: str, want: Status) -> None:
    assert application(status, engine).ready is want


@pytest.mark.parametrize(
    ("status", "engine", "want"),
    [("RUNNING", "HEALTHY", "RUNNING/HEALTHY"), ("DEPLOYING", "", "DEPLOYING"), ("", "HEALTHY", "Unknown")],
)
def test_state(status: str, engine: str, want: str) -> None:
    assert application(status, engine).state == want


def test_the_engines_words_come_first() -> None:
    assert application("DEPLOYING", "UPDATING", "app", "engine").text == "engine"
    assert application("DEPLOYING", "UPDATING", "app", "").text == "app"
    assert application("RUNNING", "HEALTHY", "app", "engine").text == "", "nothing to say when all is well"


@pytest.mark.parametrize(
    ("status", "engine", "want"),
    [("RUNNING", "UNHEALTHY", True), ("UNHEALTHY", "", True), ("RUNNING", "HEALTHY", False)],
)
def test_unhealthy(status: str, engine: str, want: bool) -> None:
    assert application(status, engine).unhealthy is want


def test_no_child() -> None:
    seen = observe(None)
    assert not seen.exists
    assert not seen.ready
    assert seen.application("a") is UNKNOWN


def test_a_whole_status() -> None:
    seen = observe(
        {
            "metadata": {"generation": 4},
            "status": {
                "observedGeneration": 3,
                "conditions": [
                    {"type": "Ready", "status": "True", "reason": "NonZeroServeEndpoints", "message": "m"},
                    {"type": "UpgradeInProgress", "status": "True"},
                ],
                "activeServiceStatus": {
                    "rayClusterName": "c-1",
                    "applicationStatuses": {
                        "a.b": {
                            "status": "RUNNING",
                            "serveDeploymentStatuses": {
                                "LLMServer:a_b": {"status": "HEALTHY"},
                                "OpenAiIngress": {"status": "UNHEALTHY"},
                            },
                        }
                    },
                },
                "pendingServiceStatus": {"rayClusterName": "c-2"},
            },
        }
    )
    assert (seen.exists, seen.ready, seen.settled, seen.upgrading) == (True, True, False, True)
    assert (seen.active_cluster, seen.pending_cluster) == ("c-1", "c-2")
    assert (seen.ready_reason, seen.ready_message) == ("NonZeroServeEndpoints", "m")
    assert seen.application("a.b").ready is Status.TRUE
    assert seen.pending_applications == {}


@pytest.mark.parametrize(
    ("generation", "observed", "want"), [(2, 2, True), (2, 3, True), (2, 1, False), (2, None, False)]
)
def test_settled(generation: int, observed: int | None, want: bool) -> None:
    child = {"metadata": {"generation": generation}, "status": {"observedGeneration": observed}}
    assert observe(child).settled is want


@given(json_values, json_values)
@settings(max_examples=80, deadline=None)
def test_whatever_it_holds(value: Any, other: Any) -> None:
    for status in (
        value,
        {"conditions": value, "activeServiceStatus": other},
        {"conditions": [value], "activeServiceStatus": {"applicationStatuses": other}},
        {"activeServiceStatus": {"applicationStatuses": {"a": {"serveDeploymentStatuses": value, "status": other}}}},
        {"activeServiceStatus": {"applicationStatuses": {"a": {"serveDeploymentStatuses": {"LLMServer:a": value}}}}},
        {"observedGeneration": value, "pendingServiceStatus": {"rayClusterName": other}},
    ):
        seen = observe({"metadata": {"generation": 1}, "status": status})
        assert seen.exists
        assert isinstance(seen.active_cluster + seen.pending_cluster + seen.ready_reason, str)
        assert isinstance(seen.application("a").state, str)


@pytest.mark.parametrize(
    ("deployments", "want"),
    [
        # Of the engines the first, by name, that does not serve; the ingress never.
        ({"LLMServer:a": "HEALTHY", "LLMServer:b": "UPDATING", "OpenAiIngress": "UNHEALTHY"}, "UPDATING"),
        ({"LLMServer:b": "UNHEALTHY", "LLMServer:a": "UPDATING"}, "UPDATING"),
        ({"LLMServer:b": "UPSCALING", "LLMServer:a": "HEALTHY"}, "HEALTHY"),
        # No engine: all of them.
        ({"Main": "HEALTHY", "Rank": "UNHEALTHY"}, "UNHEALTHY"),
        ({"Rank": "DOWNSCALING", "Main": "UPSCALING"}, "UPSCALING"),
        ({}, ""),
    ],
)
def test_the_deployment_that_serves_least_counts(deployments: dict[str, str], want: str) -> None:
    statuses = {name: {"status": status, "message": f"of {name}"} for name, status in deployments.items()}
    side = {"applicationStatuses": {"a": {"status": "RUNNING", "serveDeploymentStatuses": statuses}}}
    seen = observe({"metadata": {"generation": 1}, "status": {"activeServiceStatus": side}}).application("a")
    assert seen.engine_status == want
    assert seen.engine_message.startswith("of " if want else "")
