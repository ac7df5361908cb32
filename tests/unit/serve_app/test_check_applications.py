"""The check knows the applications of this package: arguments, deployments and their user_config."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from llm_serve_app.check import check, main

DOCUMENTS: dict[str, dict[str, Any]] = {
    "pipeline": {
        "args": {"models": "/models/text"},
        "deployments": [
            {"name": "Pipeline", "user_config": {"timeout_s": 5}},
            {"name": "Preprocess", "num_replicas": 2},
            {"name": "Sentiment", "user_config": {"neutral_band": 0.1}},
            {"name": "Summary", "user_config": {"sentences": 1}},
        ],
    },
    "batch": {"deployments": [{"name": "BatchedSentiment", "user_config": {"max_batch_size": 8}}]},
    "custom_vllm": {
        "args": {"model": "/models/demo", "engine_args": {"max_model_len": 512}},
        "deployments": [{"name": "CustomVLLM", "ray_actor_options": {"num_gpus": 1}}],
    },
    "ab_router": {
        "args": {"targets": {"a": {"url": "/a"}, "b": {"url": "http://other:8000/b", "model": "m"}}},
        "deployments": [{"name": "ABRouter", "user_config": {"split": {"a": 90, "b": 10}}}],
    },
}


def found(name: str, **edits: Any) -> str:
    application = {"name": "x", "import_path": f"llm_serve_app.{name}:build", **DOCUMENTS.get(name, {}), **edits}
    return "\n".join(map(str, check({"applications": [application]})))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_valid(name: str) -> None:
    assert found(name) == ""


def targets(**edits: Any) -> dict[str, Any]:
    return {"targets": {"a": {"url": "/a"}, "b": {"url": "/b"}}, **edits}


def users(name: str, value: Any) -> list[dict[str, Any]]:
    return [{"name": name, "user_config": value}]


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("pipline", {}, "applications[0].import_path: no such application; did you mean 'llm_serve_app.pipeline:build'"),
    ("pipeline", {"args": {"model": "/x"}}, "args.model: unknown key; did you mean 'models'"),
    ("pipeline", {"args": {"max_characters": "9"}}, "args.max_characters: Input should be a valid integer"),
    ("pipeline", {"args": {"max_characters": 0}}, "args.max_characters: Input should be greater than or equal to 1"),
    ("pipeline", {"deployments": [{"name": "Sentimental"}]}, "did you mean 'Sentiment'"),
    ("pipeline", {"deployments": users("Preprocess", {})}, "user_config: Preprocess takes none"),
    ("pipeline", {"deployments": users("Summary", {"sentence": 1})}, "user_config.sentence: unknown key; did you mean"),
    ("pipeline", {"deployments": users("Sentiment", {"neutral_band": 2})}, "less than or equal to 1"),
    ("batch", {"deployments": users("BatchedSentiment", {"max_batch_size": 0})}, "greater than or equal to 1"),
    (
        "batch",
        {"deployments": users("BatchedSentiment", {"batch_wait_timeout_s": -1})},
        "user_config.batch_wait_timeout_s",
    ),
    ("custom_vllm", {"args": {}}, "args.model: Field required"),
    ("custom_vllm", {"args": {"model": "m", "engine_args": {"model": "n"}}}, "model is set by args.model"),
    ("ab_router", {"args": {"targets": {"a": {"url": "/a"}}}}, "args.targets: Dictionary should have at least 2 items"),
    ("ab_router", {"args": targets(sticky_header="a b")}, "args.sticky_header: String should match"),
    ("ab_router", {"args": {"targets": {"a": {"url": "a"}, "b": {"url": "/"}}}}, "args.targets.b.url"),
    (
        "ab_router",
        {"deployments": users("ABRouter", {"split": {"c": 1}})},
        "split.c: no such target; there is ['a', 'b']",
    ),
    ("ab_router", {"deployments": users("ABRouter", {"split": {"a": 0}})}, "user_config.split: the shares add up to 0"),
    (
        "ab_router",
        {"deployments": users("ABRouter", {"split": {"a": -1}})},
        "user_config.split.a: Input should be greater",
    ),
]


@pytest.mark.parametrize(("name", "edits", "message"), MISTAKES)
def test_mistake(name: str, edits: dict[str, Any], message: str) -> None:
    assert message in found(name, **edits)


def test_other_applications_are_checked_as_far_as_the_schema_goes() -> None:
    application = {"name": "x", "import_path": "my.app:build", "args": {"any": 1}, "deployments": [{"name": "Any"}]}
    assert check({"applications": [application]}) == []
    application["deployments"] = [{"name": "Any", "autoscaling_config": {"min_replicas": 2}}]
    assert "max_replicas (1)" in str(check({"applications": [application]})[0])


def test_command_checks_folders_and_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    router = {
        "name": "x",
        "import_path": "ray.serve.llm:build_openai_app",
        "args": {"llm_configs": [{"model_loading_config": {"model_id": "m"}, "accelerator_type": "L4"}]},
        "deployments": [{"name": "LLMRouter"}],
    }
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "router.yaml").write_text(yaml.safe_dump({"applications": [router]}))
    (tmp_path / "other.txt").write_text("not: [looked at")
    assert main([str(tmp_path)]) == 1
    assert (
        "router.yaml: applications[0].deployments[0].name: this application has no deployment"
        in capsys.readouterr().out
    )
    assert main([str(tmp_path), "--direct-streaming"]) == 0
    (tmp_path / "broken.yaml").write_text("a: [")
    assert main([str(tmp_path), "--direct-streaming"]) == 1
    assert "broken.yaml: cannot be read" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([])
