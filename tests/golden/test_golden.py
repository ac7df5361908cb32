"""Walks tests/golden/cases. `--update` (make golden) rewrites want.yaml; look at the difference before you commit."""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
import samples
import yaml
from golden.case import CASES, Case, cases, document
from golden.ray_packing import demands, placed, pods
from golden.restricted import pod_problems
from jsonschema import Draft202012Validator
from llm_operator.api.crd import crd
from llm_operator.api.names import MODEL_LABEL
from llm_operator.api.status_types import LLMDeploymentStatus
from llm_operator.render.text import to_yaml
from llm_operator.sync import sync
from llm_serve_app.check import check

ALL = cases()
each_case = pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)


def rendered() -> list[tuple[str, dict[str, Any]]]:
    """Every RayService that a case applies, and those of the samples."""
    found = ((case.name, step.outcome.apply) for case in ALL for step in case.steps)
    of_samples = [(f"sample-{name}", samples.rendered(samples.document(name))) for name in samples.names()]
    return [*((name, apply) for name, apply in found if apply is not None), *of_samples]


each_rayservice = pytest.mark.parametrize("applied", [pytest.param(applied, id=name) for name, applied in rendered()])


def _text(case: Case) -> str:
    return f"# {case.raw['about']}\n# Generated from case.yaml by `make golden`. Do not edit.\n" + to_yaml(
        document(case.steps)
    )


@each_case
def test_case(case: Case, request: pytest.FixtureRequest) -> None:
    want = case.folder / "want.yaml"
    if request.config.getoption("--update"):
        want.write_text(_text(case), encoding="utf-8")
        return
    assert want.exists(), f"{want}: missing; run `make golden` and read what it wrote"
    text = want.read_text(encoding="utf-8")
    if yaml.load(text, Loader=yaml.CSafeLoader) != document(case.steps):
        lines = difflib.unified_diff(text.splitlines(), _text(case).splitlines(), "want", "got", lineterm="")
        pytest.fail("\n".join(list(lines)[:80]))


def test_no_case_folder_is_forgotten() -> None:
    empty = [folder.name for folder in CASES.iterdir() if not (folder / "case.yaml").exists()]
    assert not empty, f"case.yaml missing in {empty}"


@each_case
def test_input_is_never_changed(case: Case) -> None:
    scope = case.steps[0].scope
    before = json.dumps([scope.parent, scope.child, scope.clusters, scope.pods, scope.others], sort_keys=True)
    sync(scope)
    assert json.dumps([scope.parent, scope.child, scope.clusters, scope.pods, scope.others], sort_keys=True) == before


@each_case
def test_second_look_writes_nothing(case: Case) -> None:
    """The promise of the design: with nothing changed, 0 writes, after a restart of the operator too."""
    last = case.steps[-1]
    after = case.settled(last)
    assert after.outcome.status == last.outcome.status
    assert after.outcome.apply is None
    assert after.outcome.patches == ()
    assert after.outcome.objects == ()
    assert after.outcome.removals == ()
    assert after.outcome.events == ()
    assert after.outcome.delete_child == last.outcome.delete_child


STATUS_SCHEMA = Draft202012Validator(crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"])


@each_case
def test_status_is_what_the_crd_allows(case: Case) -> None:
    """A status that the schema does not allow is refused by the API server, for ever."""
    status = case.steps[-1].outcome.status
    errors = [f"{error.json_path}: {error.message}" for error in STATUS_SCHEMA.iter_errors(status)]
    assert not errors
    assert status.keys() <= {field.alias for field in LLMDeploymentStatus.model_fields.values()}


@cache
def serve_problems(text: str, *, direct_streaming: bool, body_forwarded: bool) -> list[str]:
    """Many cases apply one configuration: it is checked once."""
    config = yaml.load(text, Loader=yaml.CSafeLoader)
    return [str(p) for p in check(config, direct_streaming=direct_streaming, body_forwarded=body_forwarded)]


def _switches(template: dict[str, Any]) -> dict[str, str]:
    """Variables of a Ray container that are literals."""
    env = template["spec"]["containers"][0].get("env", ())
    return {entry["name"]: entry["value"] for entry in env if "value" in entry}


@each_rayservice
def test_ray_accepts_the_serve_configuration(applied: dict[str, Any]) -> None:
    """With Ray's own classes, strict about keys that Ray would drop without a word."""
    env = _switches(applied["spec"]["rayClusterConfig"]["headGroupSpec"]["template"])
    problems = serve_problems(
        applied["spec"]["serveConfigV2"],
        direct_streaming=env.get("RAY_SERVE_LLM_ENABLE_DIRECT_STREAMING") == "1",
        body_forwarded=env.get("RAY_SERVE_INGRESS_REQUEST_ROUTER_FORWARD_BODY") == "1",
    )
    assert not problems, "\n".join(problems)


def _configs(application: dict[str, Any]) -> list[dict[str, Any]]:
    """The LLMConfigs of a model, in the order of its engine deployments."""
    args = application["args"]
    named = [args[name] for name in ("llm_config", "prefill_config", "decode_config") if name in args]
    return [*args.get("llm_configs", ()), *named]


def _is_custom(application: dict[str, Any]) -> bool:
    return not application["import_path"].startswith("ray.serve.llm")


@each_rayservice
def test_scaling_lives_in_the_overrides(applied: dict[str, Any]) -> None:
    """A number inside `args` would restart the model at each edit; a missing one would be Ray's default of 1e9."""
    for application in json.loads(applied["spec"]["serveConfigV2"])["applications"]:
        if _is_custom(application):
            continue
        for config in _configs(application):
            tpu = {"ray_actor_options"} if config.get("accelerator_config", {}).get("kind") == "tpu" else set()
            assert config.get("deployment_config", {}).keys() <= {"request_router_config"} | tpu
        for override in application["deployments"]:
            assert {"min_replicas", "max_replicas", "target_ongoing_requests"} <= override["autoscaling_config"].keys()
            assert "ray_actor_options" not in override


def _groups(applied: dict[str, Any]) -> list[dict[str, Any]]:
    """Without those that somebody else appended: they are kept, at 0 pods."""
    groups = applied["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    return [group for group in groups if MODEL_LABEL in group["template"].get("metadata", {}).get("labels", {})]


def _templates(applied: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    cluster = applied["spec"]["rayClusterConfig"]
    groups = [(group["groupName"], group["template"]) for group in _groups(applied)]
    return [("head", cluster["headGroupSpec"]["template"]), *groups]


@each_rayservice
def test_head_and_workers_agree_about_serve(applied: dict[str, Any]) -> None:
    """Serve reads its switches in every process: a node without them would run another proxy than the controller thinks."""
    (_, head), *workers = _templates(applied)
    wanted = {name: value for name, value in _switches(head).items() if name.startswith(("RAY_SERVE", "VLLM_USE_RAY"))}
    assert all(wanted.items() <= _switches(worker).items() for _, worker in workers)


@each_rayservice
def test_pods_run_under_the_restricted_profile(applied: dict[str, Any]) -> None:
    problems = [f"{where}: {problem}" for where, pod in _templates(applied) for problem in pod_problems(pod)]
    assert not problems, "\n".join(problems)


@each_rayservice
def test_kuberay_accepts_what_we_write(applied: dict[str, Any]) -> None:
    """Rules of KubeRay 1.6.2, controllers/ray/utils/validation.go, and head ports that it finds by name."""
    cluster = applied["spec"]["rayClusterConfig"]
    assert len(applied["metadata"]["name"]) <= 47
    assert "upgradeStrategy" not in cluster
    if cluster["enableInTreeAutoscaling"]:
        assert cluster["autoscalerOptions"]["version"] == "v2"
    assert cluster["authOptions"]["mode"] == "token"
    head = cluster["headGroupSpec"]["template"]["spec"]["containers"][0]
    assert {"dashboard", "serve", "metrics", "gcs-server", "client"} <= {port["name"] for port in head["ports"]}
    names = [group["groupName"] for group in cluster["workerGroupSpecs"]]
    assert len(set(names)) == len(names)
    assert "headgroup" not in names, "Ray's autoscaler calls the head so"
    for group in _groups(applied):
        assert 0 <= group["minReplicas"] <= group["maxReplicas"]
        assert int(group["resources"]["CPU"]) >= 1
        assert not {"suspend", "scaleStrategy"} & group.keys()
        autoscaled = cluster["enableInTreeAutoscaling"]
        assert autoscaled if "replicas" not in group else group["replicas"] == group["minReplicas"]
        assert group["template"]["spec"].get("restartPolicy") is None


@each_rayservice
def test_no_text_of_the_user_reaches_a_command_line(applied: dict[str, Any]) -> None:
    """KubeRay joins rayStartParams into a shell command."""
    cluster = applied["spec"]["rayClusterConfig"]
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
    assert all(group["rayStartParams"] == {} for group in cluster["workerGroupSpecs"])


def _offers(group: dict[str, Any], config: dict[str, Any]) -> bool:
    asked = {name for bundle in config["placement_group_config"]["bundles"] for name in bundle}
    return any(name.startswith("group:") and name in asked for name in group["resources"])


@each_rayservice
def test_replicas_fit_into_the_pods(applied: dict[str, Any]) -> None:
    """The fewest pods hold the fewest replicas and the most the most; one kind of pods has not one pod too many."""
    for application in json.loads(applied["spec"]["serveConfigV2"])["applications"]:
        if _is_custom(application):
            continue  # test_actors_fit_into_the_pods
        for config, override in zip(_configs(application), application["deployments"], strict=False):
            own = [group for group in _groups(applied) if _offers(group, config)]
            for end, bound in (("min_replicas", "minReplicas"), ("max_replicas", "maxReplicas")):
                wanted = demands(config, override["autoscaling_config"][end])
                free = [pod for group in own for pod in pods(group, bound)]
                assert placed(free, wanted), f"{application['name']}: {end} do not fit"
                if len(own) == 1 and free:
                    fewer = {**own[0], bound: own[0][bound] - 1}
                    assert not placed(pods(fewer, bound), wanted), f"{application['name']}: {bound} is one too many"


@each_rayservice
def test_actors_fit_into_the_pods(applied: dict[str, Any]) -> None:
    """The pods of an application hold its actors, by the sums of what Ray counts; every actor asks for its own pods."""
    groups = {key: group for group in _groups(applied) for key in group["resources"] if key.startswith("group:")}
    for application in json.loads(applied["spec"]["serveConfigV2"])["applications"]:
        if not _is_custom(application):
            continue
        asked = {"min": {"CPU": 0.0, "GPU": 0.0}, "max": {"CPU": 0.0, "GPU": 0.0}}
        tokens = set()
        for override in application["deployments"]:
            options, scaling = override["ray_actor_options"], override["autoscaling_config"]
            tokens |= options["resources"].keys()
            for end, total in asked.items():
                total["CPU"] += options["num_cpus"] * scaling[f"{end}_replicas"]
                total["GPU"] += options["num_gpus"] * scaling[f"{end}_replicas"]
        (token,) = tokens
        for end, total in asked.items():
            pods = groups[token][f"{end}Replicas"]
            assert total["CPU"] <= pods * int(groups[token]["resources"]["CPU"]) + 1e-9
            assert total["GPU"] <= pods * int(groups[token]["resources"].get("GPU", 0)) + 1e-9


def test_rendering_does_not_depend_on_the_hash_seed() -> None:
    """Bytes decide restarts; two processes with different orders of sets and dicts must agree."""
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1]);"
        "from golden.case import cases;"
        "[print(json.dumps([s.outcome.apply, s.outcome.status])) for c in cases() for s in c.steps]"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(CASES.parents[1])],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "4242")
    ]
    first, second = (process.communicate(timeout=120)[0] for process in running)
    assert all(process.returncode == 0 for process in running)
    assert first
    assert first == second
