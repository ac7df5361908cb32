"""Names are unique across models, applications and aliases."""

import re
from collections.abc import Iterator

from llm_operator.api.errors import FieldError
from llm_operator.api.rules import models as rules
from llm_operator.api.spec.deployment import LLMDeploymentSpec


def duplicates(values: list[tuple[str, str]], what: str) -> Iterator[FieldError]:
    """`values`: (path, value). One error for each value that has been used at an earlier path."""
    seen: dict[str, str] = {}
    for path, value in values:
        if value in seen:
            yield FieldError(path, f'{what} "{value}" is used already at {seen[value]}: names must be unique')
        seen.setdefault(value, path)


def _client_names(spec: LLMDeploymentSpec) -> list[tuple[str, str]]:
    aliases = [
        (f"spec.models[{i}].aliases[{k}]", alias)
        for i, model in enumerate(spec.models)
        for k, alias in enumerate(model.aliases)
    ]
    adapters = [
        (f"spec.models[{i}].lora.adapters[{k}].aliases[{n}]", alias)
        for i, model in enumerate(spec.models)
        for k, adapter in enumerate(model.lora.adapters if model.lora else ())
        for n, alias in enumerate(adapter.aliases)
    ]
    return aliases + adapters


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """Serve application, worker group and client names."""
    used = [(f"spec.models[{i}].name", model.name) for i, model in enumerate(spec.models)]
    used += [(f"spec.applications[{i}].name", application.name) for i, application in enumerate(spec.applications)]
    yield from duplicates(used + _client_names(spec), "the name")
    if len({value for _, value in used}) == len(used):
        groups = [(path, value.replace(".", "-")) for path, value in used]
        yield from duplicates(groups, "with dots as dashes the name")
    yield from (
        FieldError(path, f'"{value}" {rules.MODEL_NAME.message}')
        for path, value in used
        if value in rules.RESERVED_NAMES
    )


def check_name(name: str) -> tuple[FieldError, ...]:
    """RayService names are DNS-1035 labels of at most 47 characters (KubeRay 1.6.2, utils/validation.go)."""
    if len(name) <= 40 and re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name):
        return ()
    return (FieldError("metadata.name", rules.NAME.message),)
