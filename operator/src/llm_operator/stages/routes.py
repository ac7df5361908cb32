"""Route prefixes in force: a model keeps the one that it has, whatever comes and goes beside it."""

import json
from typing import Final

from llm_operator.plan.inputs import Scope
from llm_operator.stages.ownership import foreign

# Applications of the user's own have the route that the spec says.
_LLM_BUILDERS: Final = "ray.serve.llm"


def routes(scope: Scope) -> dict[str, str]:
    """Route prefixes in force: what the last status says, and what the live Serve configuration says of other models. The
    status wins, since only the operator writes it: a route that was edited by hand is restored, not adopted."""
    models = scope.status.get("models") or ()
    reported = {model["name"]: _route_of(model["url"]) for model in models if model.get("url")}
    return {**_live_routes(scope), **reported}


def _live_routes(scope: Scope) -> dict[str, str]:
    if scope.child is None or foreign(scope):
        return {}
    try:
        config = json.loads(scope.child.get("spec", {}).get("serveConfigV2", "{}"))
        models = (app for app in config.get("applications", ()) if str(app["import_path"]).startswith(_LLM_BUILDERS))
        return {str(app["name"]): str(app["route_prefix"]) for app in models}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # edited by hand into something else


def _route_of(url: str) -> str:
    """`http://x-serve-svc.ns.svc:8000/name/v1` → `/name`."""
    return "/" + url.partition("://")[2].partition("/")[2].removesuffix("v1").strip("/")
