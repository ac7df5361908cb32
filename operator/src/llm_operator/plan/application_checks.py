"""Custom applications: what the administrator's policy, the image and serve_app's own applications ask for."""

from collections.abc import Iterator
from typing import Any, Final

from llm_operator.api.errors import FieldError, did_you_mean
from llm_operator.api.spec.application import Application
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan import application_data
from llm_operator.plan.application_data import PACKAGE, KnownApplication
from llm_operator.plan.engine_args import known, value_problem
from llm_operator.plan.engine_args_refused import REFUSED
from llm_operator.plan.inputs import Policy
from llm_operator.plan.json_schema import problem

_CUSTOM_VLLM: Final = f"{PACKAGE}.custom_vllm:build"
_AB_ROUTER: Final = f"{PACKAGE}.ab_router:build"
# Refused in engine.args only because a field of the model stands for them, or for Ray's own engine: an application has neither.
_OWN_ENGINE: Final = frozenset(
    {
        "disable_log_stats", "enable_expert_parallel", "enable_lora", "kv_offloading_size", "max_cpu_loras", "max_lora_rank", "max_loras",
        "pipeline_parallel_size", "revision", "runner", "spec_method", "spec_model", "spec_tokens", "tensor_parallel_size",
        "tokenizer_revision",
    }
)  # fmt: skip


def _allowed(module: str, policy: Policy) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in policy.application_import_paths)


def _import_path(path: str, application: Application, policy: Policy) -> Iterator[FieldError]:
    module = application.import_path.partition(":")[0]
    if not _allowed(module, policy):
        allowed = ", ".join(policy.application_import_paths) or "none"
        yield FieldError(
            f"{path}.importPath",
            f'module "{module}" is not allowed (allowed: {allowed}); the operator\'s administrator can add its package with '
            "the chart's operator.applicationImportPaths",
        )
    elif module.partition(".")[0] == PACKAGE and application_data.of(application.import_path) is None:
        there = sorted(application_data.known())
        hint = did_you_mean(application.import_path, there) or f"there are {', '.join(there)}"
        yield FieldError(f"{path}.importPath", f'{PACKAGE} has no application "{application.import_path}"; {hint}')


def _image(path: str, application: Application, spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    package = application.import_path.partition(":")[0].partition(".")[0]
    if spec.ray.image is None and package != "ray":
        more = "" if application.image is None else f" ({path.rpartition('.')[2]}.image alone is not enough)"
        yield FieldError(
            f"{path}.importPath",
            f"the default image holds no {package}, and the head imports it when it builds the application: set "
            f"spec.ray.image to an image that does{more}",
        )


def _names(path: str, application: Application, own: KnownApplication) -> Iterator[FieldError]:
    listed = [deployment.name for deployment in application.deployments]
    for k, name in enumerate(listed):
        if name not in own.deployments:
            hint = did_you_mean(name, own.deployments) or f"it has {', '.join(own.deployments)}"
            yield FieldError(
                f"{path}.deployments[{k}].name", f'{application.import_path} has no deployment "{name}"; {hint}'
            )
    missing = [name for name in own.deployments if name not in listed]
    if missing and not set(listed) - set(own.deployments):  # else one of them is only misspelt
        yield FieldError(
            f"{path}.deployments",
            f"{', '.join(missing)} of {application.import_path} missing: every deployment must be listed, else it runs on any "
            "pod with a free CPU",
        )


def _settings(path: str, application: Application, own: KnownApplication) -> Iterator[FieldError]:
    """`args` and `userConfig`: a wrong key of the latter would only be a line in a replica's log."""
    if (found := problem(own.args, application.args)) is not None:
        yield FieldError(f"{path}.args{found[0]}", found[1])
    for k, deployment in enumerate(application.deployments):
        if deployment.user_config is None or deployment.name not in own.deployments:
            continue
        here = f"{path}.deployments[{k}].userConfig"
        schema = own.user_configs.get(deployment.name)
        if schema is None:
            yield FieldError(here, f"{deployment.name} takes none; {', '.join(own.user_configs)} would")
        elif (found := problem(schema, deployment.user_config)) is not None:
            yield FieldError(f"{here}{found[0]}", found[1])
        elif application.import_path == _AB_ROUTER:
            yield from _split(here, deployment.user_config.get("split"), application.args.get("targets"))


def _split(path: str, split: Any, targets: Any) -> Iterator[FieldError]:
    if not isinstance(split, dict) or not isinstance(targets, dict):
        return
    for name in split:
        if name not in targets:
            yield FieldError(f"{path}.split.{name}", f"no such target; args.targets has {', '.join(sorted(targets))}")
    if not any(split.values()):
        yield FieldError(f"{path}.split", "the shares add up to 0: one of them must be more")


def _engine_args(path: str, args: Any, policy: Policy) -> Iterator[FieldError]:
    """The same deny-list as `engine.args`: what runs code of the caller's choice, secrets, vLLM's own server."""
    allowed = _OWN_ENGINE | ({"trust_remote_code"} if policy.allow_remote_code else set())
    for name, value in args.items() if isinstance(args, dict) else ():
        if name in REFUSED and name not in allowed:
            yield FieldError(f"{path}.{name}", REFUSED[name])
        elif name not in known():
            hint = did_you_mean(name, sorted((known() - REFUSED.keys()) | _OWN_ENGINE))
            yield FieldError(f"{path}.{name}", f"vLLM has no such argument; {hint or 'see its AsyncEngineArgs'}")
        elif (found := value_problem(name, value)) is not None:
            yield FieldError(f"{path}.{name}{found[0]}", found[1])


def _one(path: str, application: Application, spec: LLMDeploymentSpec, policy: Policy) -> Iterator[FieldError]:
    refused = tuple(_import_path(path, application, policy))
    yield from refused
    if not refused:
        yield from _image(path, application, spec)
    if (own := application_data.of(application.import_path)) is not None:
        yield from _names(path, application, own)
        yield from _settings(path, application, own)
        if application.import_path == _CUSTOM_VLLM:
            yield from _engine_args(f"{path}.args.engine_args", application.args.get("engine_args"), policy)


def check(spec: LLMDeploymentSpec, policy: Policy) -> Iterator[FieldError]:
    """Every application of the spec."""
    for i, application in enumerate(spec.applications):
        yield from _one(f"spec.applications[{i}]", application, spec, policy)
