"""Names pinned to Ray's own functions, and the text form."""

from __future__ import annotations

import ast
import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from builders import llm
from llm_operator.api.spec.deployment import parse_spec
from llm_operator.plan.deployments import engine_deployment
from llm_operator.plan.resolve import resolve
from llm_operator.render.serve_config import serialize, serve_config

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _ray_file(path: str) -> Path:
    spec = importlib.util.find_spec("ray")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / path


def _rays_own(path: str, function: str) -> Any:
    """A function of Ray, taken out of its file: importing the file needs vLLM."""
    tree = ast.parse(_ray_file(path).read_text(encoding="utf-8"))
    (found,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    found.args.args[0].annotation = found.returns = None
    scope: dict[str, Any] = {}
    exec(compile(ast.Module([found], []), path, "exec"), scope)
    return scope[function]


BUILDER = "llm/_internal/serve/core/server/builder.py"


@pytest.mark.parametrize("name", ["qwen3-8b", "llama-3.1-8b", "a.b.c", "a"])
def test_engine_deployment_is_called_as_ray_calls_it(name: str) -> None:
    rays = _rays_own(BUILDER, "_get_deployment_name")
    assert engine_deployment(name) == "LLMServer:" + rays(SimpleNamespace(model_id=name))


def test_the_prefix_is_rays() -> None:
    """LLMServer is the default class, and `name_prefix` is made from the class's name (Ray 2.60.0)."""
    text = _ray_file("llm/_internal/serve/core/server/builder.py").read_text(encoding="utf-8")
    assert 'f"{deployment_cls.__name__}:"' in text


def test_text_is_json_and_yaml_of_the_same_document() -> None:
    spec = parse_spec(llm("a").add_model("b").object()["spec"])
    config = serve_config(resolve(spec, name="x", namespace="llm", uid="u", routes={}, now=NOW))
    text = serialize(config)
    assert json.loads(text) == yaml.safe_load(text) == json.loads(json.dumps(config))
    assert text.endswith("}\n")


def test_text_does_not_depend_on_the_order_of_keys() -> None:
    assert serialize({"b": 1, "a": {"d": 1, "c": 2}}) == serialize({"a": {"c": 2, "d": 1}, "b": 1})
