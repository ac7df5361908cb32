"""What is known of the applications that llm_serve_app ships: their deployments, and schemas of `args` and `user_config`.

Data (`data/applications.json`, make generate), since the operator's image holds no Ray and imports none of serve_app.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from llm_operator.plan.json_schema import Schema

PACKAGE: Final = "llm_serve_app"


@dataclass(frozen=True, slots=True)
class KnownApplication:
    """One application, by its import path."""

    deployments: tuple[str, ...]
    """The ingress first."""
    args: Schema
    user_configs: dict[str, Schema]
    """Of the deployments that take one."""


@cache
def known() -> dict[str, KnownApplication]:
    """Import path → application, in the order of their names."""
    text = resources.files("llm_operator.plan").joinpath("data/applications.json").read_text(encoding="utf-8")
    return {
        path: KnownApplication(tuple(entry["deployments"]), entry["args"], entry["userConfigs"])
        for path, entry in json.loads(text).items()
    }


def of(import_path: str) -> KnownApplication | None:
    """None for an application of somebody else."""
    return known().get(import_path)
