"""serve_app's applications as data for the operator: names of deployments, flat schemas of `args` and `user_config`."""

from __future__ import annotations

import importlib
import json
from typing import Any, Final

from llm_serve_app.check.custom import APPLICATIONS, PACKAGE
from pydantic import BaseModel

_KEPT: Final = (
    "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minProperties", "required",
)  # fmt: skip

Schema = dict[str, Any]


def _flat(node: Schema, defs: dict[str, Schema]) -> Schema:
    """The subset that llm_operator.plan.json_schema reads: `type` is a list, references are followed."""
    if "$ref" in node:
        return _flat(defs[node["$ref"].rsplit("/", 1)[-1]], defs)
    branches = [_flat(branch, defs) for branch in node.get("anyOf", ())]
    if branches:
        kinds = sorted({kind for branch in branches for kind in branch["type"]})
        rest = [branch for branch in branches if branch["type"] != ["null"]]
        if len(rest) != 1:
            raise ValueError(f"more than one kind of value is not handled: {node}")
        return {**rest[0], "type": kinds}
    flat: Schema = {"type": [node["type"]] if "type" in node else []}
    flat |= {key: node[key] for key in _KEPT if key in node}
    if "properties" in node:
        flat["properties"] = {name: _flat(child, defs) for name, child in node["properties"].items()}
        flat["additionalProperties"] = False
    elif values := [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]:
        flat |= {"additionalProperties": _flat(values[0], defs)} if isinstance(values[0], dict) else {}
    if "items" in node:
        flat["items"] = _flat(node["items"], defs)
    return flat


def _schema(model: type[BaseModel]) -> Schema:
    raw = model.model_json_schema()
    return _flat(raw, raw.get("$defs", {}))


def applications() -> str:
    """The text of plan/data/applications.json."""
    found = {}
    for name in sorted(APPLICATIONS):
        module = importlib.import_module(f"{PACKAGE}.{name}")
        found[f"{PACKAGE}.{name}:build"] = {
            "deployments": list(module.DEPLOYMENTS),
            "args": _schema(module.Args),
            "userConfigs": {deployment: _schema(cls) for deployment, cls in sorted(module.USER_CONFIGS.items())},
        }
    return json.dumps(found, indent=1) + "\n"
