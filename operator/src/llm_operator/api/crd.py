"""pydantic JSON schema → structural CRD schema (apiextensions/v1): no $ref, no null, no titles, no defaults.

Defaults are not written into the schema: the API server would write them into the stored spec, and GitOps tools would
see drift. Each scalar default is said in the field's description instead. Tests: tests/unit/api/test_crd.py.
"""

import copy
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from llm_operator.api import names
from llm_operator.api.rules import models as rules
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.scalars import COST_KEY, ApiModel
from llm_operator.api.status_types import LLMDeploymentStatus

Schema = dict[str, Any]

_DROPPED: Final = (
    "title",
    "default",
    "propertyNames",
    "patternProperties",
    "$defs",
    "const",
    "anyOf",
    "allOf",
    "$ref",
    COST_KEY,
)
_READY: Final = '.status.conditions[?(@.type=="Ready")]'
_COLUMNS: Final = (
    ("Ready", "string", f"{_READY}.status", 0),
    ("Models", "string", ".status.modelsReady", 0),
    ("Applications", "string", ".status.applicationsReady", 1),
    ("Replicas", "string", ".status.replicas", 0),
    ("GPU", "string", ".status.gpus", 0),
    ("URL", "string", ".status.url", 0),
    ("Reason", "string", f"{_READY}.reason", 0),
    ("Message", "string", f"{_READY}.message", 1),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)
# `name` is here, with the API server's own bound, so that a rule can point at it.
_METADATA: Final = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 253, "description": "Name of the RayService, too."}},
}


def _resolve(node: Schema, defs: dict[str, Schema]) -> Schema:
    """Follow `$ref`, and take the non-null branch of an optional; what stands beside them wins."""
    merged = dict(node)
    if "$ref" in merged:
        target = _resolve(defs[merged["$ref"].rsplit("/", 1)[-1]], defs)
        merged = {**target, **{key: value for key, value in merged.items() if key != "$ref"}}
    branches = [branch for branch in merged.get("anyOf", ()) if branch.get("type") != "null"]
    if len(branches) == 1:
        merged = {
            **_resolve(branches[0], defs),
            **{key: value for key, value in merged.items() if key != "anyOf"},
        }
    return merged


def _describe(node: Schema) -> str | None:
    text = node.get("description")
    default = node.get("default")
    if text is None:
        return None
    text = " ".join(text.split())
    if "default" in node and isinstance(default, str | int | float) and "Default" not in text:
        text += f" Default: {str(default).lower() if isinstance(default, bool) else default}."
    return text


def _map_values(node: Schema) -> Schema | None:
    """Schema of a map's values. pydantic says a pattern of the keys as patternProperties, which structural schemas forbid:
    the operator's own validation says it (validation.py)."""
    values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    return values[0] if isinstance(values[0], dict) else None


def _structural(node: Schema, defs: dict[str, Schema]) -> Schema:
    node = _resolve(node, defs)
    out: Schema = {key: copy.deepcopy(value) for key, value in node.items() if key not in _DROPPED}
    if (description := _describe(node)) is not None:
        out["description"] = description
    if "const" in node:
        out |= {"type": "string", "enum": [node["const"]]}
    for bound in ("Minimum", "Maximum"):
        if f"exclusive{bound}" in node:
            out[bound.lower()], out[f"exclusive{bound}"] = node[f"exclusive{bound}"], True
    if "properties" in node:
        out["properties"] = {name: _structural(child, defs) for name, child in node["properties"].items()}
        out.pop("additionalProperties", None)
    elif (values := _map_values(node)) is not None:
        out["additionalProperties"] = _structural(values, defs)
    if "items" in node:
        out["items"] = _structural(node["items"], defs)
        out.setdefault("x-kubernetes-list-type", "atomic")
    if not {"type", "enum", "x-kubernetes-int-or-string"} & out.keys():
        out["x-kubernetes-preserve-unknown-fields"] = True
    return out


def structural_schema(model: type[ApiModel]) -> Schema:
    """The structural schema of a pydantic model."""
    raw = model.model_json_schema(by_alias=True)
    return _structural(raw, raw.get("$defs", {}))


@cache
def spec_schema() -> Schema:
    """Structural schema of `spec`; do not change the returned object."""
    return structural_schema(LLMDeploymentSpec)


def _version() -> Schema:
    return {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "priority": priority}
            for name, kind, path, priority in _COLUMNS
        ],
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": "LLMDeployment serves one or more LLMs on a KubeRay RayService with Ray Serve LLM and vLLM.",
                "required": ["spec"],
                "x-kubernetes-validations": [rules.NAME.to_schema()],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": _METADATA,
                    "spec": spec_schema(),
                    "status": _status_schema(),
                },
            }
        },
    }


def _status_schema() -> Schema:
    """All fields optional: a status may come from an older or newer operator."""
    return _optional(structural_schema(LLMDeploymentStatus))


def _optional(node: Schema, keys: Sequence[str] = ()) -> Schema:
    """The same schema with nothing required but the keys of lists that are maps: one status that lacks a field would be refused
    as a whole, for ever."""
    out = {key: value for key, value in node.items() if key != "required"}
    if needed := [name for name in node.get("required", ()) if name in keys]:
        out["required"] = needed
    if "properties" in node:
        out["properties"] = {name: _optional(child) for name, child in node["properties"].items()}
    if isinstance(node.get("additionalProperties"), dict):
        out["additionalProperties"] = _optional(node["additionalProperties"])
    if "items" in node:
        out["items"] = _optional(node["items"], node.get("x-kubernetes-list-map-keys", ()))
    return out


def crd() -> dict[str, Any]:
    """The CustomResourceDefinition object."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{names.PLURAL}.{names.GROUP}",
            "labels": {"app.kubernetes.io/name": "llm-operator"},
        },
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.SINGULAR,
                "shortNames": [names.SHORT_NAME],
                "categories": list(names.CATEGORIES),
            },
            "versions": [_version()],
        },
    }
