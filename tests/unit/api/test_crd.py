"""The CRD is structural (apiextensions/v1), bounded, and says the defaults that pydantic has."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from llm_operator.api.costs import costs
from llm_operator.api.crd import crd, spec_schema, structural_schema
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.status_types import LLMDeploymentStatus
from llm_operator.plan import catalog
from llm_operator.render.text import api_reference, to_yaml
from pydantic import BaseModel

Schema = dict[str, Any]
FORBIDDEN = {
    "$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "null", "default", "title", "const", "prefixItems",
    "propertyNames", "patternProperties",
}  # fmt: skip
# metadata.name and the like are bounded by the API server; RFC 3339 times by their format.
UNBOUNDED = {"apiVersion", "kind", "metadata"}


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{path}[{key}]")


def _paths(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Paths as the API reference spells them."""
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}" + ("[]" if child.get("type") == "array" else "")
        yield here, child
        yield from _paths(child.get("items", child), here)


def whole() -> Schema:
    schema: Schema = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


ALL = [pytest.param(path, node, id=path) for path, node in nodes(whole(), "$")]
SPEC = list(nodes(spec_schema(), "spec"))
STATUS = list(nodes(structural_schema(LLMDeploymentStatus), "status"))


def test_there_is_something_to_look_at() -> None:
    assert len(SPEC) > 70
    assert len(STATUS) > 25


@pytest.mark.parametrize(("path", "node"), ALL)
def test_structural(path: str, node: Schema) -> None:
    assert not FORBIDDEN & node.keys()
    assert (
        "type" in node or "x-kubernetes-int-or-string" in node or node == {"x-kubernetes-preserve-unknown-fields": True}
    )
    assert not ("properties" in node and "additionalProperties" in node), "they exclude each other"
    assert None not in node.get("enum", [])


@pytest.mark.parametrize(("path", "node"), ALL)
def test_bounded(path: str, node: Schema) -> None:
    """CEL's cost is computed from the bounds, and a text without one can fill etcd."""
    if path.rpartition(".")[2] in UNBOUNDED and path.count(".") == 1:
        return
    kind = node.get("type")
    if kind == "string" and "enum" not in node:
        assert "maxLength" in node
    if kind == "array":
        assert "maxItems" in node
        assert node["x-kubernetes-list-type"] in ("map", "set", "atomic")
        if node["x-kubernetes-list-type"] == "map":
            assert set(node["x-kubernetes-list-map-keys"]) <= set(node["items"]["required"])
    if kind == "object" and "additionalProperties" in node:
        assert "maxProperties" in node
    if kind in ("integer", "number") and path.startswith("$.spec") and "enum" not in node:
        assert {"minimum", "maximum"} <= node.keys()


@pytest.mark.parametrize(("path", "node"), [entry for entry in ALL if "[items]" not in str(entry.id)])
def test_described(path: str, node: Schema) -> None:
    if node.get("x-kubernetes-preserve-unknown-fields") or path.rpartition(".")[2] in UNBOUNDED or "[" in path:
        return
    if path not in ("$.spec.models",):
        assert len(node["description"]) >= 10
    assert "\n" not in node["description"]


def test_client_side_apply_has_room_for_it() -> None:
    """`kubectl apply` writes the whole object into an annotation; all annotations together may have 256 KiB
    (apimachinery, api/validation/objectmeta.go, TotalAnnotationSizeLimitB). Half of it is left for what comes."""
    assert len(json.dumps(crd(), separators=(",", ":"))) < 128 * 1024


def test_no_default_reaches_the_stored_object() -> None:
    """The API server would write it into the spec, and GitOps tools would see drift."""
    assert re.search(r"^\s*default:", to_yaml(crd()), re.MULTILINE) is None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in (tuple, dict, typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            yield from _models(part)


def _fields(model: type[BaseModel], schema: Schema, path: str) -> Iterator[tuple[str, Any, Schema]]:
    for field in model.model_fields.values():
        assert field.alias is not None
        node = schema["properties"][field.alias]
        yield f"{path}.{field.alias}", field, node
        for inner in _models(field.annotation):
            yield from _fields(inner, node.get("items", node), f"{path}.{field.alias}")


FIELDS = [pytest.param(*entry, id=entry[0]) for entry in _fields(LLMDeploymentSpec, spec_schema(), "spec")]


@pytest.mark.parametrize(("path", "field", "node"), FIELDS)
def test_documented_default_is_the_default(path: str, field: Any, node: Schema) -> None:
    said = re.search(r"Default: (.+?)\.(?: |$)", node["description"]) if "description" in node else None
    default = field.get_default(call_default_factory=True)
    if isinstance(default, bool):
        assert said is not None
        assert said[1] == str(default).lower()
    elif isinstance(default, str | int | float):
        assert said is not None
        assert said[1] == str(default)
    elif said is not None:
        assert default in (None, ()), "a default in words stands for a computed one"


def test_defaults_in_words_are_those_of_the_catalog() -> None:
    resources = spec_schema()["properties"]["models"]["items"]["properties"]["resources"]["properties"]
    gib = catalog.MEMORY_PER_ACCELERATOR // 2**30
    assert (
        f"{catalog.CPU_PER_ACCELERATOR} per accelerator; CPU: {catalog.CPU_ONLY_CPU}; head: {catalog.HEAD_CPU}."
        in (resources["cpu"]["description"])
    )
    assert (
        f"{gib}Gi per accelerator; CPU: {catalog.CPU_ONLY_MEMORY}; head: {catalog.HEAD_MEMORY}."
        in (resources["memory"]["description"])
    )


def test_exclusive_bounds_are_those_of_openapi_3() -> None:
    engine = spec_schema()["properties"]["models"]["items"]["properties"]["engine"]["properties"]
    share = engine["gpuMemoryUtilization"]
    assert (share["minimum"], share["exclusiveMinimum"], share["maximum"]) == (0, True, 1)


def test_lists_of_named_things_are_maps() -> None:
    assert spec_schema()["properties"]["models"]["x-kubernetes-list-map-keys"] == ["name"]
    status = structural_schema(LLMDeploymentStatus)["properties"]
    assert status["conditions"]["x-kubernetes-list-map-keys"] == ["type"]


def test_rules_are_where_their_fields_are() -> None:
    """Every fieldPath of a CEL rule names a field below the schema that the rule is attached to."""
    count = 0
    for path, node in nodes(whole(), "$"):
        for rule in node.get("x-kubernetes-validations", []):
            count += 1
            field = rule.get("fieldPath")
            target = node
            for part in (field or "").strip(".").split("."):
                if part:
                    assert part in target["properties"], f"{path}: {field}"
                    target = target["properties"][part]
    assert count >= 14


def test_names_and_columns() -> None:
    made = crd()
    assert made["metadata"]["name"] == "llmdeployments.llm-operator.io"
    assert made["spec"]["names"]["shortNames"] == ["llmd"]
    version = made["spec"]["versions"][0]
    assert version["subresources"] == {"status": {}}
    columns = [column["name"] for column in version["additionalPrinterColumns"] if column["priority"] == 0]
    assert columns == ["Ready", "Models", "Replicas", "GPU", "URL", "Reason", "Age"]


def test_columns_point_at_fields_that_exist() -> None:
    properties = whole()["properties"]["status"]["properties"]
    for column in crd()["spec"]["versions"][0]["additionalPrinterColumns"]:
        if column["jsonPath"].startswith(".status.conditions"):
            assert column["jsonPath"].startswith('.status.conditions[?(@.type=="Ready")].')
        elif column["jsonPath"].startswith(".status."):
            assert column["jsonPath"].removeprefix(".status.") in properties


def test_a_schema_is_not_shared_by_mistake() -> None:
    assert crd() == crd()
    assert crd()["spec"] is not crd()["spec"]


def test_reference_lists_every_field() -> None:
    text = api_reference()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for path, node in (*SPEC, *STATUS):
        if "[additionalProperties]" in path or path in ("spec", "status") or path.endswith("[items]"):
            continue
        shown = path.replace("[items]", "[]") + ("[]" if node.get("type") == "array" else "")
        assert any(line.startswith(f"| `{shown}` |") for line in rows), shown


@pytest.mark.parametrize("path", [path for path, _ in _paths(spec_schema(), "spec")])
def test_every_field_says_what_a_change_costs(path: str) -> None:
    assert costs()[path] is not None
