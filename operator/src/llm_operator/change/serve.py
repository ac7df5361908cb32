"""What Ray Serve restarts when it is given another configuration.

Ray 2.60.0: serve/_private/deploy_utils.py, get_app_code_version (a change restarts all replicas of the application), and
serve/_private/version.py, DeploymentVersion.requires_actor_restart (options of one deployment that restart its replicas).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

from llm_operator.api.change_class import ChangeClass
from llm_operator.change.differences import differences
from llm_operator.change.model import ApplicationChange, Paths

ROOT: Final = "serveConfigV2"
MODEL_BUILDERS: Final = "ray.serve.llm"
RESTARTING_OPTIONS: Final = (
    "ray_actor_options",
    "placement_group_bundles",
    "placement_group_strategy",
    "placement_group_bundle_label_selector",
    "placement_group_fallback_strategy",
    "max_replicas_per_node",
    "gang_scheduling_config",
)

Config = Mapping[str, Any]


def parse(text: Any) -> dict[str, Any] | None:
    """A Serve configuration (YAML; ours is JSON); None when it is none."""
    try:
        config = json.loads(text)
    except (ValueError, TypeError):
        try:
            config = yaml.safe_load(text)
        except (yaml.YAMLError, AttributeError):
            return None
    applications = config.get("applications") if isinstance(config, dict) else None
    named = isinstance(applications, list) and all(isinstance(each, dict) and "name" in each for each in applications)
    return config if named else None


def applications(config: Config) -> dict[str, Config]:
    """By name."""
    return {str(application["name"]): application for application in config["applications"]}


def deployments(application: Config) -> dict[str, Config]:
    """Overrides by the name of their deployment."""
    return {str(override["name"]): override for override in application.get("deployments") or ()}


def _code(application: Config) -> dict[str, Any]:
    return {
        "import_path": application.get("import_path"),
        "runtime_env": application.get("runtime_env") or {},
        "args": application.get("args") or {},
        "autoscaling_policy": application.get("autoscaling_policy"),
    }


def _listed(application: Config) -> dict[str, str]:
    """Lists in which an override has an item if it has the key: one more restarts all, too."""
    overrides = list(deployments(application).values())
    scaled = [each["autoscaling_config"] for each in overrides if isinstance(each.get("autoscaling_config"), dict)]
    lists: dict[str, list[Any]] = {"autoscaling_config.policy": [each.get("policy") for each in scaled]}
    for key, kind in (("request_router_config", dict), ("deployment_actors", list)):
        lists[key] = [each[key] for each in overrides if isinstance(each.get(key), kind)]
    return {key: json.dumps(found, sort_keys=True) for key, found in lists.items()}


def code_paths(live: Config, wanted: Config) -> Paths:
    """What makes Ray build the application anew; empty when its code version stays."""
    base = f"{ROOT}.applications[{wanted['name']}]"
    old, new = _listed(live), _listed(wanted)
    lists = (f"{base}.deployments: {key} of each" for key in new if old[key] != new[key])
    return (*differences(_code(live), _code(wanted), base, exact=True), *lists)


def _options(override: Config) -> dict[str, Any]:
    """Ray hashes no actor options as {} does."""
    return {key: override.get(key) or {} for key in RESTARTING_OPTIONS}


def _option_paths(live: Config, wanted: Config) -> dict[str, Paths]:
    """Deployment → what restarts its replicas and nobody else's."""
    old, new = deployments(live), deployments(wanted)
    found = {}
    for name in sorted(old.keys() | new.keys()):
        base = f"{ROOT}.applications[{wanted['name']}].deployments[{name}]"
        found[name] = tuple(differences(_options(old.get(name, {})), _options(new.get(name, {})), base, exact=True))
    return {name: paths for name, paths in found.items() if paths}


def fewest_replicas(application: Config, deployment: str) -> int:
    """Replicas that the configuration promises; of data parallel engines sets of replicas that work together."""
    override = deployments(application).get(deployment, {})
    scaling = override.get("autoscaling_config")
    fixed = override.get("num_replicas")
    count = scaling.get("min_replicas", 1) if isinstance(scaling, dict) else fixed if isinstance(fixed, int) else 1
    engine = ((application.get("args") or {}).get("llm_config") or {}).get("engine_kwargs") or {}
    together = engine.get("data_parallel_size", 1) if deployment.startswith("DPServer:") else 1
    return int(count) // int(together)


def _restart(live: Config, wanted: Config, paths: Paths, restarted: tuple[str, ...]) -> ApplicationChange:
    replicas = [
        fewest_replicas(side, name) for side in (live, wanted) for name in restarted if name in deployments(side)
    ]
    return ApplicationChange(
        name=str(wanted["name"]),
        is_model=is_model(wanted),
        change_class=ChangeClass.REPLICA_RESTART,
        paths=paths,
        restarted=restarted,
        replicas=min(replicas, default=1),
    )


def is_model(application: Config) -> bool:
    """Whether one of Ray Serve LLM's builders makes it."""
    return str(application.get("import_path", "")).startswith(MODEL_BUILDERS)


def application_change(live: Config, wanted: Config) -> ApplicationChange:
    """What Serve does with one application on a Ray cluster that stays."""
    if code := code_paths(live, wanted):
        return _restart(live, wanted, code, tuple(deployments(wanted)))
    if options := _option_paths(live, wanted):
        return _restart(live, wanted, tuple(path for paths in options.values() for path in paths), tuple(options))
    paths = tuple(differences(live, wanted, f"{ROOT}.applications[{wanted['name']}]"))
    kind = ChangeClass.IN_PLACE if paths else ChangeClass.NONE
    return ApplicationChange(str(wanted["name"]), is_model(wanted), kind, paths)
