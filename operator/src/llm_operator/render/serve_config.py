"""Plan → serveConfigV2: one Serve application per model and per custom application, from a dict, serialised once.

What restarts what (Ray 2.60.0, serve/_private/deploy_utils.py): a change inside `args` restarts all replicas of that
application; numbers in `deployments[]` are applied in place. So scaling, health and graceful shutdown live in
`deployments[]`, always complete (an override replaces the code's value as a whole), and `args` holds the engine only.
"""

import json
from functools import lru_cache
from typing import Any, Final

from llm_operator.api.names import SERVE_PORT
from llm_operator.plan.plan import Plan
from llm_operator.render.custom_app import custom_application
from llm_operator.render.llm_app import llm_application
from llm_operator.render.sticky import Sticky, numbered

_FIRST: Final = Sticky()


def serve_config(plan: Plan, sticky: Sticky = _FIRST) -> dict[str, Any]:
    """The Serve configuration; applications in the order of their names, so that reordering `models` changes nothing."""
    applications = [llm_application(model.serving) for model in plan.models]
    applications += [custom_application(application) for application in plan.applications]
    applications = [numbered(application, sticky.attempt(application)) for application in applications]
    return {
        "proxy_location": "EveryNode",
        "http_options": {"host": "0.0.0.0", "port": SERVE_PORT},  # noqa: S104 - inside the pod; reached through a Service
        "applications": sorted(applications, key=lambda application: str(application["name"])),
    }


def serialize(config: dict[str, Any]) -> str:
    """JSON is YAML without its traps: no implicit types, no anchors, no duplicate keys. KubeRay compares it byte by byte."""
    return _indented(json.dumps(config, sort_keys=True))


@lru_cache(maxsize=64)
def _indented(compact: str) -> str:
    """Kept for the next looks at the same object: json indents in Python, ten times slower than it writes without."""
    return json.dumps(json.loads(compact), indent=1) + "\n"
