"""values.yaml and values.schema.json: in step, commented, without a value that does nothing; and what is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart import rendered
from jsonschema import Draft7Validator

DEFAULTS: dict[str, Any] = yaml.safe_load((rendered.CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA: dict[str, Any] = json.loads((rendered.CHART / "values.schema.json").read_text(encoding="utf-8"))
EVERYTHING: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "cases/everything/values.yaml").read_text(encoding="utf-8")
)


def _leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _get(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = values
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _with(values: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(dict(values))
    at = changed
    for key in path[:-1]:
        at = at.setdefault(key, {})
    at[path[-1]] = value
    return changed


@cache
def _everything() -> tuple[int, str]:
    return _result(EVERYTHING)


def _result(values: Mapping[str, Any]) -> tuple[int, str]:
    done = rendered.helm("template", "x", rendered.CHART, values=values)
    return done.returncode, done.stdout


# What to compare with where the case "everything" cannot show the effect of a value.
_ALTERNATIVES: dict[str, tuple[dict[str, Any], Any]] = {
    "image.tag": (_with(EVERYTHING, ("image", "digest"), ""), ""),
    "watchNamespaces": (EVERYTHING, ["team-a"]),
}


@pytest.mark.parametrize(
    ("path", "default"), [pytest.param(path, value, id=".".join(path)) for path, value in _leaves(DEFAULTS)]
)
def test_every_value_has_an_effect(path: tuple[str, ...], default: Any) -> None:
    if alternative := _ALTERNATIVES.get(".".join(path)):
        base, other = alternative
        assert _result(_with(base, path, other)) != _result(base)
        return
    given = _get(EVERYTHING, path)
    other = not default if isinstance(default, bool) and given in (None, default) else default
    if given is None and not isinstance(default, bool):
        pytest.fail(f"{'.'.join(path)}: give it another value in cases/everything/values.yaml")
    assert _result(_with(EVERYTHING, path, other)) != _everything()


def test_every_value_is_in_the_schema_and_the_other_way_round() -> None:
    assert _names(SCHEMA) == {".".join(path) for path, _ in _leaves(_known(DEFAULTS))}


def _known(defaults: dict[str, Any]) -> dict[str, Any]:
    """`resources.requests` and `.limits` take any resource name, so the schema ends there."""
    return {**defaults, "resources": {"requests": {}, "limits": {}}}


def _names(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> set[str]:
    found = set()
    for key, child in schema["properties"].items():
        if "properties" in child:
            assert child["additionalProperties"] is False, f"{key}: takes unknown values"
            found |= _names(child, (*path, key))
        else:
            found.add(".".join((*path, key)))
    return found - {"global"}  # Helm itself sets it where the chart is part of another


def test_every_value_has_a_comment() -> None:
    bare, before = [], ""
    for line in (rendered.CHART / "values.yaml").read_text(encoding="utf-8").splitlines():
        key, _, rest = line.strip().partition(":")
        is_group = not rest and not line.lstrip().startswith("#")
        if line.strip() and not line.lstrip().startswith("#") and not is_group and not before.lstrip().startswith("#"):
            bare.append(key)
        before = line
    assert not bare


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"replica": 3}, "additional properties 'replica' not allowed", id="unknown value"),
        pytest.param({"image": {"name": "x"}}, "/image': additional properties 'name'", id="unknown value in a group"),
        pytest.param({"replicas": 0}, "/replicas': minimum: got 0, want 1", id="no replica"),
        pytest.param({"replicas": "two"}, "/replicas': got string, want integer", id="wrong type"),
        pytest.param({"image": {"repository": "a:tag"}}, "/image/repository", id="tag in the repository"),
        pytest.param({"image": {"digest": "sha256:1"}}, "/image/digest", id="short digest"),
        pytest.param({"image": {"pullPolicy": "always"}}, "'Always', 'IfNotPresent', 'Never'", id="pull policy"),
        pytest.param({"watchNamespaces": "team-a"}, "/watchNamespaces': got string, want array", id="one namespace"),
        pytest.param({"watchNamespaces": ["Team_A"]}, "/watchNamespaces/0", id="no DNS name"),
        pytest.param({"watchNamespaces": ["a", "a"]}, "/watchNamespaces", id="a namespace twice"),
        pytest.param({"operator": {"logLevel": "debug"}}, "/operator/logLevel", id="log level"),
        pytest.param({"serviceAccount": {"create": False}}, "/serviceAccount/name", id="no service account"),
        pytest.param({"serviceAccount": {"name": "default"}}, "/serviceAccount/name", id="default service account"),
        pytest.param({"resources": {"limits": {"memory": "1 GB"}}}, "/resources/limits/memory", id="quantity"),
        pytest.param(
            {"leaderElection": {"leaseSeconds": 8}},
            "retrySeconds < renewDeadlineSeconds < leaseSeconds must hold, got 2, 8, 8",
            id="a lease that ends before its holder",
        ),
        pytest.param({"rbac": {"aggregateUserRoles": True}}, "needs rbac.userRoles=true", id="aggregate nothing"),
    ],
)
def test_refused(values: dict[str, Any], message: str) -> None:
    assert message in rendered.refusal(values)
