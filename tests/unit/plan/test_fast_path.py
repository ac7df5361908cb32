"""The compatibility table against Ray's own sources and builders, and what is decided from it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from builders import LLM, llm
from llm_operator.api.conditions import Reason
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.spec.deployment import LLMDeploymentSpec, parse_spec
from llm_operator.api.validation import validate
from llm_operator.plan.compatibility import RAY_VERSION, Feature, compatibility
from llm_operator.plan.fast_path import USES, check, fast_path, used

FEATURES = list(compatibility().features.values())
RAY = Path(ray.__file__).parent
IMAGE = "registry.example/serve:1"
APPLICATION = {"name": "b", "importPath": "llm_serve_app.batch:build", "deployments": [{"name": "BatchedSentiment"}]}


def spec(made: LLM) -> LLMDeploymentSpec:
    return parse_spec(made.object()["spec"])


# Feature → a spec that uses it, and where.
EXAMPLES: dict[str, tuple[LLM, str]] = {
    "Ray": (llm().with_("spec.ray", {"version": "2.56.0", "image": IMAGE}), "spec.ray.version"),
    "Ingress": (llm().model(ingress={"minReplicas": 2}), "spec.models[0].ingress"),
    "Aliases": (llm().model(aliases=["gpt-4o"]), "spec.models[0].aliases"),
    "AliasesOfPatterns": (llm().model(aliases=["gpt-4o"], parallelism={"data": 2}), "spec.models[0].aliases"),
    "AdapterAliases": (
        llm().model(lora={"root": "s3://b/a", "adapters": [{"name": "x", "aliases": ["y"]}]}),
        "spec.models[0].lora.adapters",
    ),
    "Lora": (llm().model(lora={"root": "s3://b/a"}), "spec.models[0].lora"),
    "PrefixCacheAffinity": (
        llm().model(routing={"strategy": "PrefixCacheAffinity"}),
        "spec.models[0].routing.strategy",
    ),
    "KVAware": (llm().model(routing={"strategy": "KVAware"}), "spec.models[0].routing.strategy"),
    "Session": (llm().model(routing={"strategy": "Session"}), "spec.models[0].routing.strategy"),
    "PowerOfTwo": (llm().model(routing={"strategy": "PowerOfTwo"}), "spec.models[0].routing.strategy"),
    "RoundRobin": (llm().model(routing={"strategy": "RoundRobin"}), "spec.models[0].routing.strategy"),
    "SeveralModels": (llm().add_model("b"), "spec.models"),
    "Applications": (llm().with_("spec.applications", [APPLICATION]), "spec.applications"),
    "ScaleToZero": (llm().scaling(minReplicas=0), "spec.models[0].scaling"),
    "DataParallel": (llm().model(parallelism={"data": 2}), "spec.models[0].parallelism.data"),
    "PrefillDecode": (llm().model(disaggregation={}), "spec.models[0].disaggregation"),
    "Simulated": (llm().model(engine={"type": "Simulated"}), "spec.models[0].engine.type"),
    "Cpu": (llm().gpu("CPU"), "spec.models[0].accelerators"),
    "Embed": (llm().model(task="Embed"), "spec.models[0].task"),
    "Score": (llm().model(task="Score"), "spec.models[0].task"),
    "Transcribe": (llm().model(task="Transcribe"), "spec.models[0].task"),
    "StructuredOutput": (llm().model(engine={"structuredOutput": {}}), "spec.models[0].engine.structuredOutput"),
}


def test_every_row_is_looked_for_and_tried() -> None:
    assert set(compatibility().features) == set(USES) == set(EXAMPLES)


def test_no_row_is_there_twice() -> None:
    text = resources.files("llm_operator.plan").joinpath(f"data/compatibility-{RAY_VERSION}.yaml").read_text("utf-8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)["features"]
    assert len(rows) == len(FEATURES)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_row_says_what_it_must(feature: Feature) -> None:
    assert (feature.reason is not None) == bool(feature.change) == (feature.works == "No")
    assert bool(feature.env) == (feature.works == "WithEnv")
    file = feature.source.split()[0].rstrip(",")
    assert feature.note
    assert (RAY / file).exists() or (RAY / "llm/_internal/serve" / file).exists(), f"Ray {RAY_VERSION} has no {file}"


def test_ray_reads_every_variable() -> None:
    """A misspelt switch would be ignored without a word. (vLLM's is the fourth.)"""
    known = (RAY / "serve/_private/constants.py").read_text() + (RAY / "llm/_internal/serve/constants.py").read_text()
    env = dict(compatibility().env) | {name: value for feature in FEATURES for name, value in feature.env}
    env |= dict(fast_path(spec(llm())).env)
    assert len(env) == 6
    assert [name for name in env if f'"{name}"' not in known] == ["VLLM_USE_RAY_V2_EXECUTOR_BACKEND"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_feature_is_found_where_it_is_used(name: str) -> None:
    made, path = EXAMPLES[name]
    assert (name, path) in {(feature.name, where) for feature, where in used(spec(made))}
    assert name not in {feature.name for feature, _ in used(spec(llm()))}


@pytest.mark.parametrize("name", EXAMPLES)
def test_decision_is_the_rows(name: str) -> None:
    made, path = EXAMPLES[name]
    feature, decided = compatibility().features[name], fast_path(spec(made))
    if feature.works == "No":
        assert (decided.enabled, decided.reason, decided.env) == (False, feature.reason, ())
        assert f"{path} ({feature.reason}): {feature.change}" in decided.message
    else:
        assert (decided.enabled, decided.reason, decided.message) == (True, Reason.DIRECT_STREAMING, "") or (
            name == "AdapterAliases"
        )
        assert dict(feature.env).items() <= dict(decided.env).items()


@pytest.mark.parametrize("feature", [f for f in FEATURES if f.works == "No"], ids=lambda feature: feature.name)
def test_throughput_refuses_what_does_not_work(feature: Feature) -> None:
    made, path = EXAMPLES[feature.name]
    (error,) = [e for e in check(spec(made.with_("spec.performance", {"profile": "Throughput"}))) if e.path == path]
    assert str(feature.reason) in error.message
    assert feature.change in error.message


@pytest.mark.parametrize("name", EXAMPLES)
def test_classic_is_off_whatever_is_used(name: str) -> None:
    made = EXAMPLES[name][0].with_("spec.performance", {"profile": "Classic"})
    assert fast_path(spec(made)) == fast_path(spec(llm().with_("spec.performance", {"profile": "Classic"})))
    assert [error.path for error in check(spec(made))] == (
        ["spec.models[0].routing.strategy"] if name == "KVAware" else []
    )


def test_one_model_decides_for_all() -> None:
    decided = fast_path(spec(llm().add_model("b", ingress={"minReplicas": 3})))
    assert not decided.enabled
    assert "spec.models[1].ingress" in decided.message


def test_bodies_are_forwarded_only_when_somebody_needs_them() -> None:
    """Buffering every body costs time to first token."""
    assert "RAY_SERVE_INGRESS_REQUEST_ROUTER_FORWARD_BODY" not in dict(fast_path(spec(llm())).env)


def test_a_stream_outlives_a_reload() -> None:
    """HAProxy is reloaded at every change of replicas; the old process may finish as long as any stream may take."""
    env = dict(fast_path(spec(llm())).env)
    longest = LLMDeploymentSpec.model_json_schema()["$defs"]["Health"]["properties"]["gracefulShutdownSeconds"][
        "maximum"
    ]
    assert int(env["RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S"]) >= longest


@pytest.mark.parametrize("name", ["VLLM_SERVER_DEV_MODE", "VLLM_ALLOW_RUNTIME_LORA_UPDATING"])
def test_nobody_opens_endpoints_that_change_the_engine(name: str) -> None:
    made = llm().model(engine={"env": [{"name": name, "value": "1"}]})
    with pytest.raises(InvalidSpec, match=rf"spec.models\[0\].engine.env\[0\]: {name} opens endpoints"):
        validate("a", made.object()["spec"])
