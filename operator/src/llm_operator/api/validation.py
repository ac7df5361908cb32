"""Is this spec right? Schema errors and cross-field checks, all at once, each with its field path and a way out.

Pure. The CEL twins of the checks are in `api/rules`. Tests: tests/unit/api/test_validation.py.
"""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from llm_operator.api.accelerators import unsupported
from llm_operator.api.checks import (
    applications,
    disaggregation,
    engine,
    hardware,
    lora,
    names,
    ray,
    rollout,
    routing,
    scaling,
    scheduling,
    source,
)
from llm_operator.api.crd import Schema, spec_schema
from llm_operator.api.errors import FieldError, InvalidSpec, did_you_mean
from llm_operator.api.rules import models as rules
from llm_operator.api.spec.deployment import LLMDeploymentSpec, parse_spec

READABLE_PATTERN: Final = 100
"""Characters up to which a pattern says what is right; longer ones are said in words."""


def _path(loc: tuple[int | str, ...]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if part != "[key]")
    return f"spec{parts}"


def _schema_at(loc: tuple[int | str, ...]) -> Schema:
    node = spec_schema()
    for part in loc:
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    return node


def _mismatch(value: str, pattern: str, schema: Schema) -> str:
    """A short pattern says itself what is right; a long one does not: then the field's description does."""
    if len(pattern) <= READABLE_PATTERN or "description" not in schema:
        return f'"{value}" does not match {pattern}'
    return f'"{value}" is not possible here: {schema["description"].partition(". ")[0]}'


def _schema_error(error: ErrorDetails) -> FieldError:
    loc, context = error["loc"], error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        known = sorted(_schema_at(loc[:-1]).get("properties", {}))
        hint = did_you_mean(str(loc[-1]), known) or f"known fields: {', '.join(known)}"
        return FieldError(_path(loc), f"unknown field; {hint}")
    if error["type"] in ("enum", "literal_error"):
        known = [str(value) for value in _schema_at(loc).get("enum", [])]
        hint = (
            unsupported(str(error["input"])) or did_you_mean(str(error["input"]), known) or f"one of {', '.join(known)}"
        )
        return FieldError(_path(loc), f'unknown value "{error["input"]}"; {hint}')
    if error["type"] == "string_pattern_mismatch":
        return FieldError(_path(loc), _mismatch(str(error["input"])[:64], str(context.get("pattern")), _schema_at(loc)))
    if error["type"] == "missing":
        return FieldError(_path(loc), "required")
    if error["type"] == "too_short":
        return FieldError(_path(loc), f"must have at least {context.get('min_length')} item(s)")
    if error["type"] == "too_long":
        return FieldError(_path(loc), f"must have at most {context.get('max_length')} item(s)")
    if error["type"] in ("model_type", "dict_type"):
        return FieldError(_path(loc), "must be a map of fields")
    return FieldError(_path(loc), error["msg"][0].lower() + error["msg"][1:])


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Without the list that pydantic calls too short because its items are wrong."""
    details = error.errors()
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(other["loc"][: len(detail["loc"])] == detail["loc"] for other in details if other is not detail)
    ]


def _cross_field(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    if not spec.models and not spec.applications:
        yield FieldError("spec", rules.SOMETHING_TO_SERVE.message)
    yield from names.check(spec)
    yield from ray.check(spec)
    yield from rollout.check(spec)
    yield from routing.check(spec)
    yield from scaling.check(spec)
    yield from scheduling.check(spec)
    yield from applications.check(spec)
    for i, model in enumerate(spec.models):
        path = f"spec.models[{i}]"
        yield from source.check(path, model)
        yield from engine.check(path, model)
        yield from lora.check(path, model)
        yield from hardware.check(path, model)
        yield from disaggregation.check(path, model)


def check_spec(spec: LLMDeploymentSpec) -> tuple[FieldError, ...]:
    """Everything that a single field's bounds cannot say; () when all is well."""
    return tuple(_cross_field(spec))


def validate(name: str, raw_spec: Any) -> LLMDeploymentSpec:
    """The typed spec. Raises InvalidSpec with every mistake that could be found."""
    try:
        spec = parse_spec(raw_spec if raw_spec is not None else {})
    except ValidationError as error:
        raise InvalidSpec((*names.check_name(name), *(_schema_error(detail) for detail in _causes(error)))) from error
    if errors := names.check_name(name) + check_spec(spec):
        raise InvalidSpec(errors)
    return spec
