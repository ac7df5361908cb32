"""URL paths: each model and application has one, and none takes requests of another.

Serve sends a request to the longest route that fits, whole segments only (Ray 2.60.0, serve/_private/proxy_router.py).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from llm_operator.api.errors import FieldError
from llm_operator.api.spec.application import Application
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.model import Model

# First segments: `-` is Serve's own (/-/healthz, /-/routes), `v1` where clients expect the OpenAI API.
_NEVER: Final = frozenset({"-", "v1"})
# What a model at "/" answers besides: Ray 2.60.0, llm/_internal/serve/core/ingress/ingress.py; on the fast path vLLM 0.29's
# own server (entrypoints/serve, entrypoints/openai, entrypoints/pooling).
_OF_MODELS: Final = frozenset(
    {
        "classify", "detokenize", "health", "invocations", "load", "metrics", "ping", "pooling", "rerank", "score",
        "tokenize", "v2", "version",
    }
)  # fmt: skip


def model_route(model: Model, spec: LLMDeploymentSpec, routes: Mapping[str, str]) -> str:
    """A route never changes while the model exists. A lone new model gets `/`, every other one `/<name>`."""
    if model.name in routes:
        return routes[model.name]
    taken = "/" in routes.values() or any(application.route_prefix == "/" for application in spec.applications)
    return "/" if len(spec.models) == 1 and not taken else f"/{model.name}"


def application_route(application: Application) -> str:
    """As said, else `/<name>`."""
    return application.route_prefix or f"/{application.name}"


def _below(route: str, other: str) -> bool:
    return other != "/" and route.startswith(f"{other}/")


def _reserved(route: str, models: Mapping[str, str]) -> str | None:
    first = route.split("/")[1]
    if first in _NEVER:
        return f'"{route}" is reserved (Serve\'s own paths and the OpenAI API): choose another'
    at_root = next((name for name, taken in models.items() if taken == "/"), None)
    if at_root is not None and first in _OF_MODELS:
        return f'"{route}" would take requests of model "{at_root}", whose route is "/": choose another'
    return None


def _conflict(route: str, taken: Mapping[str, str]) -> str | None:
    """`taken`: owner (`model "a"`) → route."""
    for owner, other in taken.items():
        if route == other:
            return f'"{route}" is the route of {owner} already: choose another'
        if _below(route, other):
            return f'"{route}" lies below "{other}", the route of {owner}, and would take its requests: choose another'
        if _below(other, route):
            return f'"{other}", the route of {owner}, lies below "{route}" and would take its requests: choose another'
    return None


def check(spec: LLMDeploymentSpec, models: Mapping[str, str]) -> Iterator[FieldError]:
    """`models`: name → route. Routes of applications that are reserved or in the way of another."""
    taken = {f'model "{name}"': route for name, route in models.items()}
    for i, application in enumerate(spec.applications):
        route = application_route(application)
        message = _reserved(route, models) or _conflict(route, taken)
        if message is not None:
            yield FieldError(f"spec.applications[{i}].routePrefix", message)
        taken[f'application "{application.name}"'] = route
