"""What a change of each field of the spec costs: its own `x-cost`, or that of the field around it."""

import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel

from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.scalars import COST_KEY, Cost


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in (tuple, dict, typing.Union, types.UnionType, typing.Annotated):
        for part in typing.get_args(annotation):
            yield from _models(part)


def _is_list(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(_is_list(part) for part in typing.get_args(annotation))
    return origin is tuple


def _walk(model: type[BaseModel], path: str, around: Cost | None) -> Iterator[tuple[str, Cost | None]]:
    for field in model.model_fields.values():
        extra = field.json_schema_extra
        own = extra.get(COST_KEY) if isinstance(extra, dict) else None
        cost = around if own is None else Cost(str(own))
        here = f"{path}.{field.alias}" + ("[]" if _is_list(field.annotation) else "")
        yield here, cost
        for inner in _models(field.annotation):
            yield from _walk(inner, here, cost)


@cache
def costs() -> dict[str, Cost | None]:
    """Path (`spec.models[].scaling.minReplicas`) → cost; None where nobody said one (a test forbids that)."""
    return dict(_walk(LLMDeploymentSpec, "spec", None))
