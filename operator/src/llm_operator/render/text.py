"""Text for people, from jinja2 templates: the API reference and `explain`. Undefined names are errors."""

from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from llm_operator.api import names
from llm_operator.api.conditions import ConditionType, Reason
from llm_operator.api.costs import costs
from llm_operator.api.crd import Schema, spec_schema, structural_schema
from llm_operator.api.status_types import LLMDeploymentStatus
from llm_operator.api.validation import READABLE_PATTERN

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> "Environment":
    """jinja2 is imported here since `llm-operator run` has no use for it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("llm_operator.render", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own texts, no HTML and no user input
    )


class _Dumper(yaml.SafeDumper):
    """Without anchors, and with text of several lines as a block: made to be read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def to_yaml(document: Any) -> str:
    """YAML for people and for golden files; key order is kept."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True))


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "x-kubernetes-int-or-string" in schema:
        return "integer or string"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map to {_type(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def _bounds(schema: Schema) -> str:
    """A long pattern says less than the field's description, which then names the forms there are."""
    keys = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"]
    if len(schema.get("pattern", "")) <= READABLE_PATTERN:
        keys.append("pattern")
    return ", ".join(f"{key} `{schema[key]}`" for key in keys if key in schema)


def _rows(schema: Schema, path: str) -> list[dict[str, str]]:
    known = costs()
    rows = []
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}" + ("[]" if child.get("type") == "array" else "")
        required = name in schema.get("required", ())
        inner = child["items"] if child.get("type") == "array" else child
        rows.append(
            {
                "path": here,
                "type": _type(child),
                "required": "yes" if required else "",
                "bounds": _bounds(child),
                "description": child.get("description", ""),
                "cost": str(known.get(here) or ""),
            }
        )
        rows += _rows(inner, here)
    return rows


def _section(path: str) -> str:
    """`spec.models[].engine.args` stands under `spec.models[].engine`, `spec.models[].name` under `spec.models[]`."""
    parts = path.split(".")
    depth = 3 if parts[1].endswith("[]") and len(parts) > 3 else 2
    return ".".join(parts[:depth]) if len(parts) > depth else parts[0]


def _sections(rows: list[dict[str, str]]) -> list[tuple[str, list[dict[str, str]]]]:
    """In the order in which they begin."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(_section(row["path"]), []).append(row)
    return list(found.items())


def api_reference() -> str:
    """Markdown: every field of spec and status, every condition and reason."""
    return fill(
        "api.md.j2",
        names=names,
        spec=_sections(_rows(spec_schema(), "spec")),
        status=_rows(structural_schema(LLMDeploymentStatus), "status"),
        conditions=[condition.value for condition in ConditionType],
        reasons=[reason.value for reason in Reason],
    )


def fill(template: str, **values: Any) -> str:
    """A text from a template of this package. Raises jinja2.UndefinedError for a name that the template lacks a value for."""
    return _environment().get_template(template).render(**values)
