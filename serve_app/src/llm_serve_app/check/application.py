"""The whole document, application by application."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ray.serve.schema import ServeDeploySchema

from llm_serve_app.aliases import InvalidAliases, parse_aliases
from llm_serve_app.check.builders import check_builder, deployments, model_ids
from llm_serve_app.check.custom import check_custom
from llm_serve_app.check.overrides import KV_AWARE, check_multiples, check_options, dotted, router_class
from llm_serve_app.check.patterns import BUILDERS, Builder
from llm_serve_app.check.server import Pods
from llm_serve_app.check.tries import attempt, mapping
from llm_serve_app.problem import Problem, did_you_mean
from llm_serve_app.unknown_keys import unknown_keys

ALIAS_INGRESS = "AliasIngress"


def check(config: Mapping[str, Any], direct_streaming: bool = False, *, body_forwarded: bool = False) -> list[Problem]:
    """All problems of a Serve configuration, in the order of the document; empty means Ray takes it as it is written.

    The flags say what the environment of the pods holds: RAY_SERVE_LLM_ENABLE_DIRECT_STREAMING and
    RAY_SERVE_INGRESS_REQUEST_ROUTER_FORWARD_BODY.
    """
    if not isinstance(config, Mapping):
        return [Problem("", f"a Serve configuration is a mapping, not {type(config).__name__}")]
    document = copy.deepcopy(dict(config))  # Ray's validators write into what they get
    problems = list(unknown_keys(document, ServeDeploySchema, ""))
    problems += attempt("", lambda: ServeDeploySchema.model_validate(copy.deepcopy(document)))
    pods = Pods(direct_streaming, body_forwarded)
    applications = document.get("applications")
    for index, application in enumerate(applications if isinstance(applications, list) else []):
        if isinstance(application, Mapping):
            problems += _check_application(application, f"applications[{index}]", pods)
    return problems


def _check_application(application: Mapping[str, Any], path: str, pods: Pods) -> Iterator[Problem]:
    args = application.get("args") or {}
    builder = BUILDERS.get(dotted(application.get("import_path")))
    if builder is None:
        known = yield from check_custom(application, path)
    else:
        yield from check_builder(builder, args, f"{path}.args", pods)
        known = deployments(builder, args, f"{path}.args", pods)
    overrides = application.get("deployments")
    for index, override in enumerate(overrides if isinstance(overrides, list) else []):
        if not isinstance(override, Mapping):
            continue  # the schema has said so
        at = f"{path}.deployments[{index}]"
        if known is not None:
            yield from _check_name(override.get("name"), known, f"{at}.name")
        yield from check_options(override, at)
        if builder is not None:
            yield from _check_engine_override(builder, args, override, at)
    yield from _check_twice(overrides, path)


def _check_name(name: Any, known: list[str], path: str) -> Iterator[Problem]:
    if name not in known:
        hint = did_you_mean(str(name), known)
        yield Problem(path, f"this application has no deployment {name!r}{hint}; it has {known}")


def _check_twice(overrides: Any, path: str) -> Iterator[Problem]:
    names = [mapping(item).get("name") for item in overrides] if isinstance(overrides, list) else []
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            yield Problem(f"{path}.deployments[{index}].name", f"{name!r} is overridden twice; the first would be lost")


def _check_engine_override(builder: Builder, args: Any, override: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """What an override of Ray's own deployments must keep to."""
    if override.get("name") == ALIAS_INGRESS and isinstance(override.get("user_config"), Mapping):
        with_lora = model_ids(builder, args, with_lora=True)
        yield from _check_aliases(override["user_config"], model_ids(builder, args), with_lora, path)
    if router_class(override) == KV_AWARE:
        at = f"{path}.request_router_config"
        yield Problem(at, "belongs into deployment_config of the LLMConfig: Ray wires KV events from there only")
    server = next((s for s in builder.servers(mapping(args), "") if s.name == override.get("name")), None)
    if server is None or server.gang_size == 1:
        return
    yield from check_multiples(override, server.gang_size, path, "data_parallel_size")
    gang = mapping(override.get("gang_scheduling_config")).get("gang_size", server.gang_size)
    if gang != server.gang_size:
        yield Problem(
            f"{path}.gang_scheduling_config.gang_size",
            f"must be data_parallel_size ({server.gang_size}), but is {gang}",
        )
    for key in ("placement_group_strategy", "max_replicas_per_node"):
        if key in override:
            yield Problem(f"{path}.{key}", "not for a data-parallel deployment: Ray places its replicas as a gang")


def _check_aliases(
    user_config: Mapping[str, Any], models: list[str], with_lora: list[str], path: str
) -> Iterator[Problem]:
    try:
        parse_aliases(user_config, models, with_adapters=with_lora)
    except InvalidAliases as error:
        where, _, message = str(error).partition(": ")
        yield Problem(f"{path}.{where}", message)
