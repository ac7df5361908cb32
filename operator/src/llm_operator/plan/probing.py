"""What the operator asks a running model, so that Ready means served: pure data, made from the plan.

A request that reaches the engine is asked all the time only where it costs nobody anything to speak of: on the fast path the
engine's own /health (vLLM 0.29.0, entrypoints/serve/instrumentator/health.py: 503 when its core is dead), behind the OpenAI
ingress, which has no such route, a request of one token. A model that may have no replica is never asked, since that would
wake it, or keep it awake: only its route is looked up. Tests: tests/unit/plan/test_probing.py.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from llm_operator.plan.plan import ApplicationPlan, ModelPlan, Plan, TokenProgressPlan

ROUTES_PATH: Final = "/-/routes"
"""Of Serve's proxies and of HAProxy: route prefix → application."""
MOST_COPIES: Final = 8


@dataclass(frozen=True, slots=True)
class Ask:
    """One HTTP request and what a good answer is."""

    url: str
    json_body: str | None = None
    """POSTed; None: GET."""
    audio_of: str | None = None
    """Model whose transcription of a moment of silence is asked for (multipart form)."""
    lists: str | None = None
    """Key that the answered JSON object must have."""


@dataclass(frozen=True, slots=True)
class Target:
    """A model or an application that should answer."""

    name: str
    cluster: str
    """RayCluster behind the Service; another one means another engine."""
    reach: Ask
    """Cheap; must be answered before the first request is made."""
    check: Ask
    """Asked again and again while it is answered."""
    warm: Ask | None
    """First request to an engine, which may take long; None: the first check will do."""
    copies: int = 1
    """How often `warm` is sent at once: the fewest replicas, so that each is likely to get one."""
    known: bool = field(default=False, compare=False)
    """It was served when last looked at, maybe by an earlier operator: it is checked, not warmed again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A model whose replicas' tokens are counted."""

    model: str
    owner: str
    """Value of the model label of its pods."""
    policy: TokenProgressPlan


def _body(**fields: Any) -> str:
    return json.dumps(fields)


def _first_request(plan: Plan, model: ModelPlan) -> Ask:
    url, name = plan.url_of(model), model.serving.model_id
    if model.task == "Embed":
        return Ask(f"{url}/embeddings", _body(model=name, input="a"))
    if model.task == "Score":
        return Ask(f"{url}/score", _body(model=name, text_1="a", text_2="b"))
    if model.task == "Transcribe":
        return Ask(f"{url}/audio/transcriptions", audio_of=name)
    return Ask(f"{url}/completions", _body(model=name, prompt="a", max_tokens=1, temperature=0))


def _model(plan: Plan, model: ModelPlan, cluster: str, *, known: bool) -> Target:
    name = model.serving.model_id
    if model.sleeps:
        listed = Ask(plan.url + ROUTES_PATH, lists=model.serving.route)
        return Target(name, cluster, reach=listed, check=listed, warm=None, known=known)
    first = _first_request(plan, model)
    fast = model.serving.ingress is None
    health = Ask(plan.url_of(model).removesuffix("/v1") + "/health")
    reach = health if fast else Ask(f"{plan.url_of(model)}/models/{name}")
    copies = max(1, min(MOST_COPIES, model.min_replicas))
    return Target(name, cluster, reach=reach, check=health if fast else first, warm=first, copies=copies, known=known)


def _application(plan: Plan, application: ApplicationPlan, cluster: str, *, known: bool) -> Target:
    """Nobody but its author knows what to ask it."""
    listed = Ask(plan.url + ROUTES_PATH, lists=application.route)
    return Target(application.name, cluster, reach=listed, check=listed, warm=None, known=known)


def target(plan: Plan, name: str, cluster: str, *, known: bool) -> Target | None:
    """How to ask a model or application of the plan; None if it is not in it."""
    for model in plan.models:
        if model.serving.model_id == name:
            return _model(plan, model, cluster, known=known)
    for application in plan.applications:
        if application.name == name:
            return _application(plan, application, cluster, known=known)
    return None


def progress(plan: Plan) -> tuple[Progress, ...]:
    """Models whose tokens are to be counted."""
    return tuple(
        Progress(model.serving.model_id, model.groups[0].owner, model.progress)
        for model in plan.models
        if model.progress is not None
    )
