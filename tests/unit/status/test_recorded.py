"""What the real things said → reason and message. `pytest tests/unit/status --update` rewrites the golden files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from llm_operator.api.conditions import MAX_MESSAGE
from llm_operator.plan.inputs import Scope
from llm_operator.status.diagnosis import Cause, diagnose
from llm_operator.status.diagnosis.engine import recognised
from llm_operator.status.diagnosis.evidence import Subject
from llm_operator.status.observed import observe

RECORDED = Path(__file__).parent / "recorded"
OBJECTS = sorted(path.stem for path in RECORDED.glob("*.yaml") if not path.stem.endswith(".want"))
TEXTS = sorted(path.stem for path in (RECORDED / "engine").glob("*.yaml") if path.name != "want.yaml")


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def cause_of(recording: dict[str, Any]) -> Cause | None:
    scope = Scope(
        parent={**recording["parent"], "status": recording.get("status", {})},
        now=recording["now"],
        child=recording["child"],
        clusters=tuple(recording["clusters"]),
        pods=tuple(recording["pods"]),
    )
    return diagnose(scope, observe(recording["child"]))


def condition(cause: Cause | None) -> dict[str, str]:
    assert cause is not None, "nothing was recognised"
    assert len(cause.message) <= MAX_MESSAGE
    return {"reason": cause.reason.value, "message": cause.message}


def compare(path: Path, got: Any, update: bool) -> None:
    if update:
        path.write_text(yaml.safe_dump(got, sort_keys=False, width=150, allow_unicode=True), encoding="utf-8")
    assert load(path) == got


@pytest.mark.parametrize("name", OBJECTS)
def test_objects(name: str, request: pytest.FixtureRequest) -> None:
    recording = load(RECORDED / f"{name}.yaml")
    want = RECORDED / f"{name}.want.yaml"
    compare(want, condition(cause_of(recording)), request.config.getoption("--update"))


@cache
def text_of(name: str) -> tuple[str, Subject]:
    recording = load(RECORDED / "engine" / f"{name}.yaml")
    entry = {"source": recording["source"], "accelerators": recording.get("accelerators", [{"type": "CPU"}])}
    return recording["text"], Subject("model", "chat", "spec.models[0]", entry)


def said(name: str) -> dict[str, str]:
    found = recognised(*text_of(name))
    assert found is not None, "no rule knows it"
    return {"reason": found[0].value, "message": found[1]}


def test_engine_texts(request: pytest.FixtureRequest) -> None:
    got = {name: said(name) for name in TEXTS}
    compare(RECORDED / "engine" / "want.yaml", got, request.config.getoption("--update"))


@pytest.mark.parametrize("name", OBJECTS)
def test_names_of_pods_and_clusters_are_not_in_the_message(name: str) -> None:
    """They change each time KubeRay makes a pod anew, and the status would tick."""
    recording = load(RECORDED / f"{name}.yaml")
    message = condition(cause_of(recording))["message"]
    names = {each["metadata"]["name"] for each in (*recording["pods"], *recording["clusters"])}
    assert [each for each in names if each in message] == []


@pytest.mark.parametrize("name", OBJECTS)
def test_without_the_objects_there_is_no_cause(name: str) -> None:
    """What is recognised is in what was recorded, and not in the test."""
    recording = load(RECORDED / f"{name}.yaml")
    bare = {**recording, "child": {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}}
    assert cause_of({**bare, "clusters": (), "pods": ()}) is None
