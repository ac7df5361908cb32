"""Applications that are not Ray Serve LLM's: this package's own are checked whole, others as far as Serve's schema goes."""

import importlib
import importlib.util
from collections.abc import Generator, Mapping
from types import ModuleType
from typing import Any

from llm_serve_app.check.overrides import dotted
from llm_serve_app.check.tries import mapping
from llm_serve_app.problem import Problem, did_you_mean
from llm_serve_app.settings import InvalidSettings, Settings, parse

PACKAGE = "llm_serve_app"
APPLICATIONS = ("ab_router", "batch", "custom_vllm", "pipeline")


def check_custom(application: Mapping[str, Any], path: str) -> Generator[Problem, None, list[str] | None]:
    """Yields problems; returns the names of the application's deployments, None where they are not known."""
    import_path = application.get("import_path")
    if not dotted(import_path).startswith(f"{PACKAGE}."):
        return None
    known = [f"{PACKAGE}.{name}:build" for name in APPLICATIONS]
    if dotted(import_path) not in [dotted(item) for item in known]:
        yield Problem(
            f"{path}.import_path", f"no such application{did_you_mean(str(import_path), known)}; there is {known}"
        )
        return None
    module = importlib.import_module(dotted(import_path).rpartition(".")[0])
    args: Settings | None = None
    try:
        args = parse(module.Args, application.get("args") or {}, f"{path}.args")
    except InvalidSettings as error:
        yield from error.problems
    yield from _check_user_configs(module, args, application.get("deployments"), path)
    return list(module.DEPLOYMENTS)


def _check_user_configs(
    module: ModuleType, args: Settings | None, overrides: Any, path: str
) -> Generator[Problem, None, None]:
    for index, override in enumerate(overrides if isinstance(overrides, list) else []):
        name, value = mapping(override).get("name"), mapping(override).get("user_config")
        at = f"{path}.deployments[{index}].user_config"
        if value is None or name not in module.DEPLOYMENTS:
            continue
        if name not in module.USER_CONFIGS:
            yield Problem(at, f"{name} takes none; {', '.join(module.USER_CONFIGS)} would")
            continue
        try:
            parse(module.USER_CONFIGS[name], value, at, args)
        except InvalidSettings as error:
            yield from error.problems
