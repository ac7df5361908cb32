"""manifests/samples for tests and generators: documents, their comments, plans and RayServices; all pure."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.validation import validate
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy, Scope
from llm_operator.plan.plan import Plan
from llm_operator.plan.resolve import resolve
from llm_operator.plan.schedules import widest
from llm_operator.sync import sync

Object = dict[str, Any]

FOLDER: Final = Path(__file__).parents[1] / "manifests" / "samples"
NOW: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""A Monday: office windows are open."""
_ALLOWED: Final[dict[str, Any]] = {field.name: True for field in fields(Policy) if field.name.startswith("allow_")}
POLICY: Final = replace(DEFAULT_POLICY, **_ALLOWED)
"""Everything that an administrator can allow by a switch; a sample that needs that says so in its comment."""


def names() -> tuple[str, ...]:
    """File names without suffix, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def text(name: str) -> str:
    """The whole file."""
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def comment(name: str) -> str:
    """The lines before the object, without their signs."""
    lines = (line[2:] for line in text(name).splitlines() if line.startswith("# "))
    return "\n".join(lines)


def document(name: str) -> Object:
    """The LLMDeployment, a fresh copy; the file must hold nothing else."""
    (found,) = yaml.load_all(text(name), Loader=yaml.CSafeLoader)
    made: Object = found
    return made


def spec(made: Object) -> LLMDeploymentSpec:
    """Raises InvalidSpec."""
    return validate(made["metadata"]["name"], made["spec"])


def plan(made: Object, *, week: bool = False) -> Plan:
    """Of now, or of the widest bounds of the week. Raises InvalidSpec."""
    wanted, metadata = spec(made), made["metadata"]
    return resolve(
        widest(wanted) if week else wanted,
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid="",
        routes={},
        now=NOW,
        policy=POLICY,
    )


def rendered(made: Object) -> Object:
    """The RayService that the operator would apply to an empty cluster."""
    uid = "00000000-0000-0000-0000-000000000001"
    parent = {**made, "metadata": {**made["metadata"], "uid": uid, "generation": 1}}
    outcome = sync(Scope(parent=parent, now=NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), policy=POLICY))
    if outcome.apply is None:
        raise ValueError(f"{made['metadata']['name']}: {outcome.status['conditions']}")
    applied: Object = json.loads(json.dumps(outcome.apply))
    return applied


def serve_problems(applied: Object) -> list[str]:
    """What Ray's own classes, asked strictly, say of a RayService's Serve configuration; [] when all is well."""
    from llm_serve_app.check import check  # imports Ray, which takes seconds

    (container,) = applied["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    problems = check(
        yaml.load(applied["spec"]["serveConfigV2"], Loader=yaml.CSafeLoader),
        direct_streaming=env.get("RAY_SERVE_LLM_ENABLE_DIRECT_STREAMING") == "1",
        body_forwarded=env.get("RAY_SERVE_INGRESS_REQUEST_ROUTER_FORWARD_BODY") == "1",
    )
    return [str(problem) for problem in problems]
