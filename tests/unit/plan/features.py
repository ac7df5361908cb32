"""Helpers of these tests: one model with some fields set, and what the plan makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from builders import LLM, llm
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.validation import validate
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy
from llm_operator.plan.plan import EnginePlan, Plan
from llm_operator.plan.pods import GroupPlan
from llm_operator.plan.resolve import resolve

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OWN_IMAGE = {"image": "registry.example/serve:1"}


def planned(made: LLM, policy: Policy = DEFAULT_POLICY) -> Plan:
    """As the operator plans it. Raises InvalidSpec."""
    body = made.object()
    spec = validate("m", body["spec"])
    return resolve(spec, name="m", namespace="llm", uid="u", routes={}, now=NOW, policy=policy)


def engine(made: LLM, policy: Policy = DEFAULT_POLICY) -> EnginePlan:
    """Of the only model."""
    (model,) = planned(made, policy).models
    return model.serving.servers[0].engine


def group(made: LLM, policy: Policy = DEFAULT_POLICY) -> GroupPlan:
    """The (first) worker group of the only model."""
    return planned(made, policy).models[0].groups[0]


def added(**fields: Any) -> dict[str, Any]:
    """Arguments of vLLM that these fields of a model add to those that every model has."""
    plain = dict(engine(llm("m")).engine_kwargs)
    return {name: value for name, value in engine(llm("m").model(**fields)).engine_kwargs if plain.get(name) != value}


def refused(made: LLM, policy: Policy = DEFAULT_POLICY) -> list[str]:
    """The messages; [] when all is well."""
    try:
        planned(made, policy)
    except InvalidSpec as invalid:
        return [str(error) for error in invalid.errors]
    return []
