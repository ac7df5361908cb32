"""llm_serve_app.check: a right configuration has no problem, and each kind of mistake is named with its path."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from llm_serve_app.check import check, main

VALID: dict[str, Any] = {
    "http_options": {"host": "0.0.0.0", "port": 8000},
    "applications": [
        {
            "name": "qwen",
            "route_prefix": "/",
            "import_path": "ray.serve.llm:build_openai_app",
            "runtime_env": {"env_vars": {"NONCE": "1"}},
            "args": {
                "ingress_cls_config": {"ingress_cls": "llm_serve_app.ingress:AliasIngress"},
                "llm_configs": [
                    {
                        "model_loading_config": {"model_id": "Qwen/Qwen3-0.6B", "model_source": "/models/demo"},
                        "placement_group_config": {"bundles": [{"CPU": 1}], "strategy": "STRICT_PACK"},
                        "engine_kwargs": {"max_model_len": 512},
                    }
                ],
            },
            "deployments": [
                {
                    "name": "LLMServer:Qwen--Qwen3-0_6B",
                    "max_ongoing_requests": 16,
                    "autoscaling_config": {"min_replicas": 0, "max_replicas": 2, "target_ongoing_requests": 8},
                    "graceful_shutdown_timeout_s": 60,
                },
                {
                    "name": "AliasIngress",
                    "user_config": {"aliases": {"small": "Qwen/Qwen3-0.6B"}},
                    "ray_actor_options": {"num_cpus": 0.1},
                },
            ],
        }
    ],
}


def edited(edit: Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], Any]) -> dict[str, Any]:
    """VALID after `edit(application, its llm_config, the override of LLMServer)`."""
    config = copy.deepcopy(VALID)
    application = config["applications"][0]
    edit(application, application["args"]["llm_configs"][0], application["deployments"][0])
    return config


def test_valid() -> None:
    assert check(VALID) == []


APP, ARGS = "applications[0]", "applications[0].args"
LLM, OVERRIDE = f"{ARGS}.llm_configs[0]", f"{APP}.deployments[0]"
MISTAKES = [
    (
        "misspelt key of the application",
        lambda a, c, o: a.update(route_prefx="/x"),
        f"{APP}.route_prefx",
        "'route_prefix'",
    ),
    (
        "misspelt key of an override",
        lambda a, c, o: o.update(autoscalling_config={}),
        f"{OVERRIDE}.autoscalling_config",
        "did you mean 'autoscaling_config'",
    ),
    (
        "misspelt key of the autoscaling",
        lambda a, c, o: o["autoscaling_config"].update(max_replica=3),
        f"{OVERRIDE}.autoscaling_config.max_replica",
        "'max_replicas'",
    ),
    (
        "min above max",
        lambda a, c, o: o["autoscaling_config"].update(min_replicas=5),
        f"{OVERRIDE}.autoscaling_config",
        "max_replicas (2) must be greater than or equal to min_replicas (5)",
    ),
    (
        "negative number",
        lambda a, c, o: o.update(max_ongoing_requests=-1),
        f"{OVERRIDE}.max_ongoing_requests",
        "greater than",
    ),
    (
        "misspelt key of the actor options",
        lambda a, c, o: o.update(ray_actor_options={"num_cpu": 1}),
        f"{OVERRIDE}.ray_actor_options.num_cpu",
        "'num_cpus'",
    ),
    (
        "override of no deployment",
        lambda a, c, o: o.update(name="LLMServer:qwen"),
        f"{OVERRIDE}.name",
        "did you mean 'LLMServer:Qwen--Qwen3-0_6B'",
    ),
    (
        "ingress named by its base class",
        lambda a, c, o: a["deployments"][1].update(name="OpenAiIngress"),
        f"{APP}.deployments[1].name",
        "did you mean 'AliasIngress'",
    ),
    (
        "alias of no model",
        lambda a, c, o: a["deployments"][1].update(user_config={"aliases": {"x": "y"}}),
        f"{APP}.deployments[1].user_config.aliases['x']",
        "no model 'y'",
    ),
    (
        "unknown argument of the builder",
        lambda a, c, o: a["args"].update(llm_config={}),
        f"{ARGS}.llm_config",
        "'llm_configs'",
    ),
    ("no model", lambda a, c, o: a["args"].update(llm_configs=[]), f"{ARGS}.llm_configs", "at least one"),
    ("same model twice", lambda a, c, o: a["args"]["llm_configs"].append(c), f"{ARGS}.llm_configs", "more than once"),
    ("unknown key of the model", lambda a, c, o: c.update(engine_args={}), f"{LLM}.engine_args", "'engine_kwargs'"),
    (
        "model without id",
        lambda a, c, o: c["model_loading_config"].pop("model_id"),
        f"{LLM}.model_loading_config",
        "Field required",
    ),
    ("unknown accelerator", lambda a, c, o: c.update(accelerator_type="L4O"), f"{LLM}.accelerator_type", "L4O"),
    (
        "bad strategy",
        lambda a, c, o: c["placement_group_config"].update(strategy="PACKED"),
        f"{LLM}.placement_group_config.strategy",
        "'STRICT_PACK'",
    ),
    (
        "host inside an application",
        lambda a, c, o: a.update(host="0.0.0.0"),
        "",
        "Please remove it and set host in the top level",
    ),
]


@pytest.mark.parametrize(("name", "edit", "path", "message"), MISTAKES, ids=[case[0] for case in MISTAKES])
def test_mistake(name: str, edit: Callable[..., Any], path: str, message: str) -> None:
    found = check(edited(edit))
    assert any(p.path.startswith(path) and message in str(p) for p in found), "\n".join(map(str, found))


def test_keys_of_free_form_fields_are_the_users_own() -> None:
    config = edited(lambda a, c, o: a["runtime_env"]["env_vars"].update(ANY_NAME="x"))
    config["applications"].append(
        {
            "name": "own",
            "route_prefix": "/own",
            "import_path": "my.app:build",
            "args": {"any": 1},
            "deployments": [{"name": "Any", "user_config": {"mine": 1}}],
        }
    )
    assert check(config) == []


def test_command_prints_problems_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(yaml.safe_dump(VALID))
    bad.write_text(yaml.safe_dump(edited(lambda a, c, o: o.update(max_ongoing=1))))
    assert main([str(good)]) == 0
    assert main([str(bad)]) == 1
    assert f"{OVERRIDE}.max_ongoing: unknown key" in capsys.readouterr().out
