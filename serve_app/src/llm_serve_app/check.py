"""Strict offline check of a Ray Serve configuration (serveConfigV2): what Ray 2.60 would drop silently is a problem here.

Serve ignores unknown keys, takes any autoscaling_config and does not look into `args`; mistakes show as a deployment that
behaves wrongly or fails minutes later on the cluster. This uses Ray's own classes, so it needs ray[serve]==2.60.0 and
pyarrow; with vLLM installed it also checks the names of engine_kwargs. Tests: tests/unit/serve_app/test_check.py.
"""

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from ray.llm._internal.common.placement import PlacementGroupConfig
from ray.llm._internal.serve.core.configs.llm_config import LLMConfig
from ray.serve._private.config import DeploymentConfig
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import DeploymentSchema, ServeDeploySchema

from llm_serve_app.aliases import InvalidAliases, parse_aliases
from llm_serve_app.problem import Problem, did_you_mean
from llm_serve_app.unknown_keys import unknown_keys

OPENAI_BUILDER = "ray.serve.llm:build_openai_app"
BUILDER_ARGS = ("llm_configs", "ingress_cls_config", "ingress_deployment_config")
INGRESS_CONFIG_KEYS = ("ingress_cls", "ingress_extra_kwargs")
# Options of an override that Ray's DeploymentConfig does not hold; the schema has checked them.
NOT_IN_DEPLOYMENT_CONFIG = frozenset(
    {
        "name",
        "ray_actor_options",
        "placement_group_bundles",
        "placement_group_strategy",
        "placement_group_bundle_label_selector",
        "max_replicas_per_node",
    }
)


def check(config: Mapping[str, Any]) -> list[Problem]:
    """All problems of a Serve configuration, in the order of the document; empty means Ray takes it as it is written."""
    if not isinstance(config, Mapping):
        return [Problem("", f"a Serve configuration is a mapping, not {type(config).__name__}")]
    problems = list(unknown_keys(dict(config), ServeDeploySchema, ""))
    problems += _try("", lambda: ServeDeploySchema.model_validate(dict(config)))
    applications = config.get("applications")
    for index, application in enumerate(applications if isinstance(applications, list) else []):
        if isinstance(application, Mapping):
            problems += _check_application(application, f"applications[{index}]")
    return problems


def _check_application(application: Mapping[str, Any], path: str) -> Iterator[Problem]:
    known: list[str] | None = None
    models: list[str] = []
    if application.get("import_path") == OPENAI_BUILDER:
        args = application.get("args") or {}
        yield from _check_args(args, f"{path}.args")
        models = _model_ids(args)
        known = [*(server_name(model) for model in models), _ingress_name(args)]
    for index, override in enumerate(application.get("deployments") or []):
        if not isinstance(override, Mapping):
            continue  # the schema has said so
        at = f"{path}.deployments[{index}]"
        if known is not None and override.get("name") not in known:
            hint = did_you_mean(str(override.get("name")), known)
            yield Problem(
                f"{at}.name", f"this application has no deployment {override.get('name')!r}{hint}; it has {known}"
            )
        yield from _check_override(override, at)
        if override.get("name") == "AliasIngress":
            yield from _check_aliases(override.get("user_config"), models, at)


def _check_aliases(user_config: Any, models: list[str], path: str) -> list[Problem]:
    if isinstance(user_config, Mapping):
        return _try(path, lambda: parse_aliases(user_config, models))
    return []


def _check_override(override: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Numbers of one `deployments[]` entry, with the classes that Serve itself builds from it later."""
    autoscaling = override.get("autoscaling_config")
    if isinstance(autoscaling, Mapping):
        yield from unknown_keys(dict(autoscaling), AutoscalingConfig, f"{path}.autoscaling_config")
        yield from _try(f"{path}.autoscaling_config", lambda: AutoscalingConfig(**autoscaling))
    options = {
        key: value
        for key, value in override.items()
        if key in DeploymentSchema.model_fields and key not in NOT_IN_DEPLOYMENT_CONFIG | {"autoscaling_config"}
    }
    if options.get("num_replicas") == "auto":
        del options["num_replicas"]
    yield from _try(path, lambda: DeploymentConfig(**options))


def _check_args(args: Any, path: str) -> Iterator[Problem]:
    if not isinstance(args, Mapping):
        yield Problem(path, f"must be a mapping, but is {type(args).__name__}")
        return
    yield from _unknown(args, BUILDER_ARGS, path)
    ingress = args.get("ingress_cls_config")
    if isinstance(ingress, Mapping):
        yield from _unknown(ingress, INGRESS_CONFIG_KEYS, f"{path}.ingress_cls_config")
    configs = args.get("llm_configs")
    if not isinstance(configs, list) or not configs:
        yield Problem(f"{path}.llm_configs", "must be a list of at least one LLMConfig")
        return
    ids = _model_ids(args)
    for model in sorted({model for model in ids if ids.count(model) > 1}):
        yield Problem(f"{path}.llm_configs", f"model_id {model!r} is used more than once; ids must be unique")
    for index, config in enumerate(configs):
        yield from _check_llm_config(config, f"{path}.llm_configs[{index}]")


def _check_llm_config(config: Any, path: str) -> Iterator[Problem]:
    if not isinstance(config, Mapping):
        yield Problem(path, f"must be a mapping, but is {type(config).__name__}")
        return
    found = list(unknown_keys(dict(config), LLMConfig, path)) + _try(path, lambda: LLMConfig(**config))
    placement = config.get("placement_group_config")
    if isinstance(placement, Mapping):
        found += _try(f"{path}.placement_group_config", lambda: PlacementGroupConfig(**placement))
    deployment = config.get("deployment_config")
    if isinstance(deployment, Mapping):
        found += _unknown(deployment, tuple(DeploymentSchema.model_fields), f"{path}.deployment_config")
    if not found and importlib.util.find_spec("vllm") is not None:
        found += _try(f"{path}.engine_kwargs", lambda: LLMConfig(**config).get_engine_config())
    yield from found


def server_name(model_id: str) -> str:
    """Name of the Serve deployment of a model (Ray 2.60.0, ray/llm/_internal/serve/core/server/builder.py)."""
    return "LLMServer:" + model_id.replace("/", "--").replace(".", "_")


def _ingress_name(args: Any) -> str:
    """A Serve deployment is called like its class: the last part of `ingress_cls`."""
    config = args.get("ingress_cls_config") if isinstance(args, Mapping) else None
    cls = config.get("ingress_cls") if isinstance(config, Mapping) else None
    return cls.replace(":", ".").rsplit(".", 1)[-1] if isinstance(cls, str) else "OpenAiIngress"


def _model_ids(args: Any) -> list[str]:
    configs = args.get("llm_configs") if isinstance(args, Mapping) else None
    loading = [c.get("model_loading_config") for c in configs or [] if isinstance(c, Mapping)]
    return [str(part["model_id"]) for part in loading if isinstance(part, Mapping) and "model_id" in part]


def _unknown(value: Mapping[str, Any], allowed: tuple[str, ...], path: str) -> list[Problem]:
    return [Problem(f"{path}.{key}", f"unknown key{did_you_mean(key, allowed)}") for key in value if key not in allowed]


def _try(path: str, build: Callable[[], Any]) -> list[Problem]:
    """Problems that building one of Ray's objects raises; pydantic's locations become paths."""
    try:
        build()
    except ValidationError as error:
        return [_from_pydantic(path, detail) for detail in error.errors() if detail["type"] != "extra_forbidden"]
    except InvalidAliases as error:
        where, _, message = str(error).partition(": ")
        return [Problem(f"{path}.{where}", message)]
    except (ValueError, TypeError) as error:
        return [Problem(path, str(error))]
    return []


def _from_pydantic(path: str, detail: Mapping[str, Any]) -> Problem:
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return Problem(path.lstrip("."), detail["msg"].removeprefix("Value error, "))


def main(argv: list[str] | None = None) -> int:
    """`python -m llm_serve_app.check FILE`: one line per problem on stdout; exit code 1 when there is one."""
    parser = argparse.ArgumentParser(
        prog="llm_serve_app.check", description="Strict check of a Ray Serve configuration"
    )
    parser.add_argument("file", type=Path, help="YAML file with the configuration (serveConfigV2)")
    file = parser.parse_args(argv).file
    problems = check(yaml.safe_load(file.read_text()))
    for problem in problems:
        sys.stdout.write(f"{file}: {problem}\n")
    sys.stdout.write(f"{file}: {len(problems)} problem(s)\n" if problems else f"{file}: valid for Ray 2.60.0\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
