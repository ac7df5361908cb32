"""Is this spec right? Schema errors and cross-field checks, all at once, each with its field path and a way out.

Pure. The CEL twins of the checks are in `rules.py`. Tests: tests/unit/api/test_validation.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from llm_operator.api import quantity, rules
from llm_operator.api.crd import Schema, spec_schema
from llm_operator.api.types import DEFAULT_RAY_VERSION, EnvVar, LLMDeploymentSpec, Model, parse_spec

OLDEST_RAY: Final = (2, 54, 0)  # CVE-2026-27482: below 2.54 an unauthenticated DELETE stops Serve.
_OWNED_ENV: Final = re.compile(
    r"^(RAY_|RAYLLM_|KUBERAY_|PYTHON|LD_|KUBERNETES_)|^(HF_TOKEN|HUGGING_FACE_HUB_TOKEN|PATH|HOME|VLLM_API_KEY)$"
)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One mistake: where (`spec.models[0].scaling.minReplicas`) and what, with what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class InvalidSpec(Exception):
    """The user must change the object; retrying is useless."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors


def did_you_mean(word: str, known: list[str]) -> str:
    """`did you mean "x"?`, or "" when nothing is near."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""


def _path(loc: tuple[int | str, ...]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if part != "[key]")
    return f"spec{parts}"


def _schema_at(loc: tuple[int | str, ...]) -> Schema:
    node = spec_schema()
    for part in loc:
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    return node


def _schema_error(error: ErrorDetails) -> FieldError:
    loc, context = error["loc"], error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        known = sorted(_schema_at(loc[:-1]).get("properties", {}))
        hint = did_you_mean(str(loc[-1]), known) or f"known fields: {', '.join(known)}"
        return FieldError(_path(loc), f"unknown field; {hint}")
    if error["type"] in ("enum", "literal_error"):
        known = [str(value) for value in _schema_at(loc).get("enum", [])]
        hint = did_you_mean(str(error["input"]), known) or f"one of {', '.join(known)}"
        return FieldError(_path(loc), f'unknown value "{error["input"]}"; {hint}')
    if error["type"] == "string_pattern_mismatch":
        return FieldError(_path(loc), f'"{str(error["input"])[:64]}" does not match {context.get("pattern")}')
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


def _duplicates(values: list[tuple[str, str]], what: str) -> Iterator[FieldError]:
    seen: dict[str, str] = {}
    for path, value in values:
        if value in seen:
            yield FieldError(path, f'{what} "{value}" is used already at {seen[value]}: names must be unique')
        seen.setdefault(value, path)


def _unique_names(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    used = [(f"spec.models[{i}].name", model.name) for i, model in enumerate(spec.models)]
    groups = [(path, value.replace(".", "-")) for path, value in used]
    aliases = [
        (f"spec.models[{i}].aliases[{k}]", alias)
        for i, model in enumerate(spec.models)
        for k, alias in enumerate(model.aliases)
    ]
    yield from _duplicates(used + aliases, "the name")
    if len({value for _, value in used}) == len(used):
        yield from _duplicates(groups, "with dots as dashes the name")
    yield from (
        FieldError(path, f'"{value}" {rules.MODEL_NAME.message}')
        for path, value in used
        if value in rules.RESERVED_NAMES
    )


def _env_error(env: EnvVar) -> str | None:
    if _OWNED_ENV.search(env.name):
        return f"{env.name} is set by the operator or by Ray: remove it (a hub token goes to source.tokenSecretRef)"
    if (env.value is None) == (env.secret_key_ref is None):
        return rules.ENV_ONE_SOURCE.message
    return None


def _env(path: str, model: Model) -> Iterator[FieldError]:
    for i, env in enumerate(model.engine.env):
        if (message := _env_error(env)) is not None:
            yield FieldError(f"{path}.engine.env[{i}]", message)
    yield from _duplicates(
        [(f"{path}.engine.env[{i}].name", env.name) for i, env in enumerate(model.engine.env)], "the variable"
    )


def _source(path: str, model: Model) -> Iterator[FieldError]:
    if not model.source.uri.startswith("hf://"):
        if model.source.revision is not None:
            yield FieldError(f"{path}.source.revision", rules.HF_ONLY_REVISION.message)
        if model.source.token_secret_ref is not None:
            yield FieldError(f"{path}.source.tokenSecretRef", rules.HF_ONLY_TOKEN.message)


def _accelerator(path: str, model: Model) -> Iterator[FieldError]:
    accelerator, tensor = model.accelerators[0], model.parallelism.tensor
    if accelerator.type != "CPU":
        if accelerator.count % tensor:
            yield FieldError(
                f"{path}.parallelism.tensor",
                f"{tensor} does not divide accelerators[0].count = {accelerator.count}: a replica cannot be split over pods",
            )
        return
    if accelerator.count != 1:
        yield FieldError(f"{path}.accelerators[0].count", rules.CPU_COUNT.message)
    if accelerator.resource_name is not None:
        yield FieldError(f"{path}.accelerators[0].resourceName", rules.CPU_RESOURCE_NAME.message)
    if tensor != 1:
        yield FieldError(f"{path}.parallelism.tensor", rules.CPU_TENSOR.message)
    if model.engine.gpu_memory_utilization is not None:
        yield FieldError(f"{path}.engine.gpuMemoryUtilization", rules.CPU_GPU_MEMORY.message)


def _tolerations(path: str, model: Model) -> Iterator[FieldError]:
    for i, toleration in enumerate(model.accelerators[0].tolerations):
        here = f"{path}.accelerators[0].tolerations[{i}]"
        if toleration.key is None and toleration.operator != "Exists":
            yield FieldError(f"{here}.operator", rules.TOLERATION_KEY.message)
        if toleration.value is not None and toleration.operator == "Exists":
            yield FieldError(f"{here}.value", rules.TOLERATION_VALUE.message)
        if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
            yield FieldError(f"{here}.tolerationSeconds", rules.TOLERATION_SECONDS.message)


def _numbers(path: str, model: Model) -> Iterator[FieldError]:
    scaling, resources = model.scaling, model.resources
    if scaling.max_replicas is not None and scaling.min_replicas > scaling.max_replicas:
        yield FieldError(
            f"{path}.scaling.minReplicas",
            f"{scaling.min_replicas} {rules.MIN_LE_MAX.message} ({scaling.max_replicas})",
        )
    most = scaling.max_ongoing_requests
    if most is not None and scaling.target_ongoing_requests > most:
        yield FieldError(
            f"{path}.scaling.targetOngoingRequests",
            f"{scaling.target_ongoing_requests} {rules.TARGET_LE_MAX_ONGOING.message} ({most})",
        )
    shared, memory = resources.shared_memory, resources.memory
    if shared is not None and memory is not None and quantity.parse(shared) >= quantity.parse(memory):
        yield FieldError(f"{path}.resources.sharedMemory", rules.SHARED_MEMORY_FITS.message)


def _aliases(path: str, model: Model, spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    if model.aliases and spec.ray.image is None:
        yield FieldError(
            f"{path}.aliases",
            "need an image that contains llm_serve_app: set spec.ray.image to one (the default image has none)",
        )


def _ray(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    version = tuple(int(part) for part in spec.ray.version.split("."))
    if version < OLDEST_RAY:
        yield FieldError("spec.ray.version", f"{spec.ray.version} has known security holes: use 2.54.0 or newer")
    if spec.ray.version != DEFAULT_RAY_VERSION and spec.ray.image is None:
        yield FieldError("spec.ray.image", rules.IMAGE_WITH_VERSION.message)


def check_spec(spec: LLMDeploymentSpec) -> tuple[FieldError, ...]:
    """Everything that a single field's bounds cannot say; () when all is well."""
    errors = [*_unique_names(spec), *_ray(spec)]
    for i, model in enumerate(spec.models):
        path = f"spec.models[{i}]"
        errors += [
            *_source(path, model),
            *_env(path, model),
            *_accelerator(path, model),
            *_tolerations(path, model),
            *_numbers(path, model),
        ]
        errors += _aliases(path, model, spec)
    return tuple(errors)


def check_name(name: str) -> tuple[FieldError, ...]:
    """RayService names are DNS-1035 labels of at most 47 characters (KubeRay 1.6.2, utils/validation.go)."""
    if len(name) <= 40 and re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name):
        return ()
    return (FieldError("metadata.name", rules.NAME.message),)


def validate(name: str, raw_spec: Any) -> LLMDeploymentSpec:
    """The typed spec. Raises InvalidSpec with every mistake that could be found."""
    try:
        spec = parse_spec(raw_spec if raw_spec is not None else {})
    except ValidationError as error:
        raise InvalidSpec((*check_name(name), *(_schema_error(detail) for detail in _causes(error)))) from error
    if errors := check_name(name) + check_spec(spec):
        raise InvalidSpec(errors)
    return spec
