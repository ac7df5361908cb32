"""sync as a whole: total, deterministic, and never an order of worker groups that would cost a new cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import applied, llm, serving
from golden.case import stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from llm_operator.api.crd import structural_schema
from llm_operator.api.status_types import LLMDeploymentStatus
from llm_operator.outcome import Outcome
from llm_operator.plan.inputs import Scope
from llm_operator.render.rayservice import live_groups
from llm_operator.stages.routes import routes
from llm_operator.sync import sync
from unit.strategies import json_values

NOW = "2026-01-02T00:00:00Z"
STATUS = Draft202012Validator(structural_schema(LLMDeploymentStatus))
quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def parent(spec: Any, status: Any = None, generation: int = 1) -> dict[str, Any]:
    body = {**llm("chat").object(), "spec": spec}
    body["metadata"]["generation"] = generation
    return body if status is None else {**body, "status": status}


def condition(outcome: Outcome, kind: str) -> tuple[str, str]:
    (found,) = [entry for entry in outcome.status["conditions"] if entry["type"] == kind]
    return found["status"], found["reason"]


def settle(
    spec: Any, child: dict[str, Any] | None, status: Any, generation: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One edit, through to the end: apply if wanted, then the status."""
    scope = Scope(parent=parent(spec, status, generation), now=NOW, child=child)
    outcome = sync(scope)
    if outcome.apply is not None:
        child = stored(outcome.apply, child, [])
        outcome = sync(replace(scope, child=child, applied=True))
    assert child is not None
    return child, outcome.status


@given(json_values)
@quick
def test_any_spec_gives_an_outcome(spec: Any) -> None:
    outcome = sync(Scope(parent=parent(spec), now=NOW))
    assert condition(outcome, "Accepted") == ("False", "InvalidSpec")
    assert outcome.apply is None


@given(json_values, json_values)
@quick
def test_any_status_of_the_child_gives_an_outcome(status: Any, applications: Any) -> None:
    wanted = sync(Scope(parent=llm("chat").object(), now=NOW)).apply
    assert wanted is not None
    for rubbish in (status, {"conditions": status}, {"activeServiceStatus": status},
                    {"activeServiceStatus": {"rayClusterName": "a", "applicationStatuses": {"chat": applications}}}):  # fmt: skip
        child = {**applied(wanted), "status": rubbish}
        outcome = sync(Scope(parent=llm("chat").object(), now=NOW, child=child))
        assert condition(outcome, "Ready")[0] in ("False", "Unknown")
        assert [error.message for error in STATUS.iter_errors(outcome.status) if error.validator != "required"] == []


NAMES = ["a", "b", "c", "d"]
edits = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True), min_size=2, max_size=6)


@given(edits)
@quick
def test_groups_keep_their_place_for_ever(steps: list[list[str]]) -> None:
    child: dict[str, Any] | None = None
    status: Any = None
    for generation, models in enumerate(steps, start=1):
        before = live_groups(child)
        known = {} if status is None else {entry["name"]: entry["url"] for entry in status["models"]}
        made = [{"name": name, "source": {"uri": "hf://a/b"}, "accelerators": [{"type": "L4"}]} for name in models]
        child, status = settle({"models": made}, child, status, generation)
        after = live_groups(child)
        assert [group["groupName"] for group in after[: len(before)]] == [group["groupName"] for group in before]
        assert sorted(group["groupName"] for group in after if group["maxReplicas"]) == sorted(models)
        for old, new in zip(before, after, strict=False):
            muted = {"minReplicas": 0, "maxReplicas": 0}
            assert {**old, **muted} == {**new, **muted}, "anything but bounds would start a new cluster"
        urls = {entry["name"]: entry["url"] for entry in status["models"]}
        assert all(urls[name] == known[name] for name in urls.keys() & known.keys()), "a route never changes"
        assert len(set(urls.values())) == len(urls)


@pytest.mark.parametrize(
    ("config", "want"),
    [
        (
            '{"applications": [{"name": "a", "route_prefix": "/", "import_path": "ray.serve.llm:build_openai_app"}]}',
            {"a": "/"},
        ),
        ('{"applications": [{"name": "a", "route_prefix": "/", "import_path": "mine:build"}]}', {}),
        ('{"applications": [{"name": "a", "route_prefix": "/"}]}', {}),
        ('{"applications": []}', {}),
        ("[]", {}),
        ("{", {}),
        ("null", {}),
        ('{"applications": [{"name": "a"}]}', {}),
        ('{"applications": [1]}', {}),
        ('{"applications": null}', {}),
    ],
)
def test_routes_of_the_live_configuration(config: str, want: dict[str, str]) -> None:
    body = llm("chat").object()
    owner = {"ownerReferences": [{"uid": body["metadata"]["uid"]}]}
    child = {"metadata": {"name": "chat", **owner}, "spec": {"serveConfigV2": config}}
    assert routes(Scope(parent=body, now=NOW, child=child)) == want


@pytest.mark.parametrize("route", ["/", "/v1x", "/qwen3-8b", "/a.v1"])
def test_routes_of_the_last_status(route: str) -> None:
    url = f"http://chat-serve-svc.llm.svc:8000{route.rstrip('/')}/v1"
    status = {"models": [{"name": "m", "url": url}, {"name": "no-url"}]}
    assert routes(Scope(parent=parent({}, status), now=NOW)) == {"m": route}


@pytest.mark.parametrize(("state", "want"), [("RUNNING", ("True", "Serving")), ("DEPLOYING", ("False", "Deploying"))])
def test_ready_follows_serve(state: str, want: tuple[str, str]) -> None:
    wanted = sync(Scope(parent=llm("chat").object(), now=NOW)).apply
    assert wanted is not None
    child = serving(applied(wanted), "chat", state=state, engine="HEALTHY" if state == "RUNNING" else "UPDATING")
    assert condition(sync(Scope(parent=llm("chat").object(), now=NOW, child=child)), "Ready") == want
