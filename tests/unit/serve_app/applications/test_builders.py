"""Every application: the deployments that it documents are those that it makes, strict arguments, nothing in the way of overrides."""

import logging
import sys
from types import ModuleType
from typing import Any

import pytest
from llm_serve_app import ab_router, batch, custom_vllm, pipeline
from llm_serve_app.settings import InvalidSettings, Settings, parse, reconfigured
from ray.serve._private.build_app import build_app

TARGETS = {"a": {"url": "/a"}, "b": {"url": "/b"}}
APPLICATIONS: list[tuple[ModuleType, dict[str, Any]]] = [
    (pipeline, {}),
    (batch, {}),
    (custom_vllm, {"model": "/models/demo"}),
    (ab_router, {"targets": TARGETS}),
]


def deployments(module: ModuleType, args: dict[str, Any]) -> dict[str, Any]:
    built = build_app(module.build(args), name="app", default_runtime_env={})
    return {deployment.name: deployment for deployment in built.deployments}


@pytest.mark.parametrize(("module", "args"), APPLICATIONS)
def test_deployments_are_those_that_are_documented(module: ModuleType, args: dict[str, Any]) -> None:
    made = deployments(module, args)
    assert set(made) == set(module.DEPLOYMENTS)
    assert set(module.USER_CONFIGS) <= set(module.DEPLOYMENTS)
    ingress = build_app(module.build(args), name="app", default_runtime_env={}).ingress_deployment_name
    assert ingress == module.DEPLOYMENTS[0]
    for deployment in made.values():
        options = deployment.ray_actor_options
        assert set(options) == {"num_cpus"}, options  # an override of ray_actor_options replaces all of it
        assert deployment._deployment_config.autoscaling_config is None


@pytest.mark.parametrize(("module", "args"), APPLICATIONS)
def test_arguments_are_strict(module: ModuleType, args: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings, match=r"args\.unheard_of: unknown key"):
        module.build({**args, "unheard_of": 1})


def test_vllm_is_not_imported_before_it_is_needed() -> None:
    assert "llm_serve_app.custom_vllm.deployment" in sys.modules
    assert "vllm" not in sys.modules


class Numbers(Settings):
    count: int = 1
    share: float = 0.5


def test_settings_are_typed() -> None:
    assert parse(Numbers, {"share": 1}, "args") == Numbers(share=1.0)
    for value, message in (
        ({"count": "1"}, "args.count: Input should be a valid integer"),
        ({"count": True}, "args.count: Input should be a valid integer"),
        ({"conut": 1}, "args.conut: unknown key; did you mean 'count'?"),
        ([], "args: must be a mapping, but is list"),
    ):
        with pytest.raises(InvalidSettings) as refused:
            parse(Numbers, value, "args")
        assert str(refused.value) == message


def test_bad_user_config_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    current = Numbers(count=7)
    with caplog.at_level(logging.ERROR, "ray.serve"):
        logging.getLogger("ray.serve").addHandler(caplog.handler)
        assert reconfigured(current, {"count": "many"}) is current
    assert "user_config.count: Input should be a valid integer" in caplog.text
    assert "stay {'count': 7, 'share': 0.5}" in caplog.text
    assert reconfigured(current, {"share": 0.1}) == Numbers(share=0.1)  # what is left out has its default
    assert reconfigured(current, None) == Numbers()
