"""What is asked of each kind of model, and that nothing wakes one that sleeps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.api.validation import validate
from llm_operator.plan.plan import Plan, TokenProgressPlan
from llm_operator.plan.probing import MOST_COPIES, Progress, Target, progress, target
from llm_operator.plan.resolve import resolve

BASE = "http://chat-serve-svc.llm.svc:8000"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def plan(made: LLM) -> Plan:
    raw = made.object()
    return resolve(validate("chat", raw["spec"]), name="chat", namespace="llm", uid="u", routes={}, now=NOW)


def chat(**fields: Any) -> LLM:
    return llm("chat").model(**fields).with_("spec.ray", {"image": "img:1"})


def classic(made: LLM) -> LLM:
    return made.with_("spec.performance", {"profile": "Classic"})


def asked(made: LLM, name: str = "chat") -> Target:
    found = target(plan(made), name, "chat-a", known=False)
    assert found is not None
    return found


def test_fast_path_asks_the_engines_own_health() -> None:
    found = asked(chat())
    assert (found.reach.url, found.reach.json_body) == (f"{BASE}/health", None)
    assert found.check == found.reach
    assert found.warm is not None
    assert found.warm.url == f"{BASE}/v1/completions"


def test_behind_the_ingress_only_a_request_reaches_the_engine() -> None:
    found = asked(classic(chat()))
    assert found.reach.url == f"{BASE}/v1/models/chat"
    assert found.check == found.warm
    assert json.loads(found.check.json_body or "") == {
        "model": "chat",
        "prompt": "a",
        "max_tokens": 1,
        "temperature": 0,
    }


@pytest.mark.parametrize(
    ("task", "path", "body"),
    [
        ("Embed", "embeddings", {"model": "chat", "input": "a"}),
        ("Score", "score", {"model": "chat", "text_1": "a", "text_2": "b"}),
        ("Transcribe", "audio/transcriptions", None),
    ],
)
def test_each_task_has_its_own_first_request(task: str, path: str, body: Any) -> None:
    found = asked(chat(task=task)).warm
    assert found is not None
    assert found.url == f"{BASE}/v1/{path}"
    assert found.audio_of == (None if body else "chat")
    assert (json.loads(found.json_body) if found.json_body else None) == body


def test_the_second_model_has_its_own_route() -> None:
    found = asked(chat().add_model("llama"), "llama")
    assert found.reach.url == f"{BASE}/llama/health"


@pytest.mark.parametrize("profile", ["Auto", "Classic"])
@pytest.mark.parametrize(
    "fewest", [{"minReplicas": 0}, {"schedules": [{"name": "n", "start": "20:00", "end": "06:00", "minReplicas": 0}]}]
)
def test_a_model_that_may_sleep_is_never_asked(profile: str, fewest: dict[str, Any]) -> None:
    found = asked(chat(scaling={"maxReplicas": 2, **fewest}).with_("spec.performance", {"profile": profile}))
    assert found.warm is None
    assert found.reach == found.check
    assert (found.check.url, found.check.json_body, found.check.lists) == (f"{BASE}/-/routes", None, "/")


def test_an_application_is_looked_up() -> None:
    listed = [{"name": name} for name in ("Pipeline", "Preprocess", "Sentiment", "Summary")]
    application = {"name": "app", "importPath": "llm_serve_app.pipeline:build", "deployments": listed}
    made = chat().with_("spec.applications", [application])
    found = asked(made, "app")
    assert (found.warm, found.check.lists) == (None, "/app")


@pytest.mark.parametrize(("fewest", "copies"), [(1, 1), (3, 3), (50, MOST_COPIES)])
def test_as_many_first_requests_as_replicas(fewest: int, copies: int) -> None:
    assert asked(chat(scaling={"minReplicas": fewest})).copies == copies


def test_what_is_not_there_is_not_asked() -> None:
    assert target(plan(chat()), "other", "chat-a", known=False) is None


def test_whose_tokens_are_counted() -> None:
    made = plan(chat(health={"tokenProgress": {"stallSeconds": 60, "action": "Restart"}}).add_model("llama"))
    assert progress(made) == (Progress("chat", "chat", TokenProgressPlan(60, restart=True, max_restarts_per_hour=2)),)


@pytest.mark.parametrize(
    ("engine", "warm_up", "engine_class"),
    [
        ("vLLM", "Operator", None),
        ("vLLM", "Replica", "llm_serve_app.warm_up.WarmVLLMEngine"),
        ("Simulated", "Operator", "llm_serve_app.simulated.engine.SimulatedEngine"),
        ("Simulated", "Replica", "llm_serve_app.warm_up.WarmSimulatedEngine"),
    ],
)
@pytest.mark.parametrize("aliases", [[], ["gpt"]])
def test_who_warms_the_engine_up(engine: str, warm_up: str, engine_class: str | None, aliases: list[str]) -> None:
    made = plan(chat(engine={"type": engine}, health={"warmUp": warm_up}, aliases=aliases))
    env = dict(made.models[0].serving.servers[0].engine.env)
    assert env.get("RAYLLM_VLLM_ENGINE_CLS") == engine_class


@pytest.mark.parametrize("known", [True, False])
def test_that_it_answered_before_is_handed_on(known: bool) -> None:
    application = {
        "name": "app",
        "importPath": "llm_serve_app.batch:build",
        "deployments": [{"name": "BatchedSentiment"}],
    }
    made = chat().add_model("sleeper", scaling={"minReplicas": 0, "maxReplicas": 1})
    planned = plan(made.with_("spec.applications", [application]))
    found = [target(planned, name, "chat-a", known=known) for name in ("chat", "sleeper", "app")]
    assert [each and (each.known, each.name, each.cluster) for each in found] == [
        (known, name, "chat-a") for name in ("chat", "sleeper", "app")
    ]
    assert [each is not None and each.warm is None for each in found] == [False, True, True]
