"""`llm-operator plan`: what it says of an edit, its exit status, and that nothing is asked of a cluster with --against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import LLM, NOW, applied, llm, serving
from llm_operator.__main__ import main
from llm_operator.cli.plan import CHANGED, UNCHANGED, WRONG_ENVIRONMENT, WRONG_INPUT
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync


def running(made: LLM) -> dict[str, Any]:
    """Its RayService while it serves."""
    rendered = sync(Scope(parent=made.object(), now=NOW)).apply
    assert rendered is not None
    names = [model["name"] for model in made.object()["spec"]["models"]]
    return serving(applied(rendered), *names)


def files(folder: Path, before: LLM, after: LLM, *, with_parent: bool = True, status: Any = None) -> list[str]:
    wanted, live = folder / "wanted.yaml", folder / "live.yaml"
    wanted.write_text(yaml.safe_dump(after.object()), encoding="utf-8")
    parent = {**before.object(), "status": status or {}}
    live.write_text(yaml.safe_dump_all([running(before), *([parent] if with_parent else [])]), encoding="utf-8")
    return ["plan", "-f", str(wanted), "--against", str(live)]


def found(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (one,) = json.loads(capsys.readouterr().out)
    return dict(one)


def test_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(files(tmp_path, llm("a"), llm("a"))) == UNCHANGED
    assert "Class         None: nothing changes" in capsys.readouterr().out


def test_what_a_deleted_pod_does_not_get_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = files(tmp_path, llm("a"), llm("a").model(health={"gracefulShutdownSeconds": 600}))
    assert main([*arguments, "-o", "json"]) == CHANGED
    (warned,) = found(capsys)["warnings"]
    assert main(arguments) == CHANGED
    text = " ".join(capsys.readouterr().out.split())
    assert "a (600 s)" in warned
    assert f"Beware {warned}" in text


def test_files_do_not_say_what_is_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_OPERATOR_FREE_CAPACITY", "true")
    arguments = files(tmp_path, llm("a"), llm("a").with_("spec.ray", {"image": "img:2"}))
    assert main([*arguments, "-o", "json"]) == CHANGED
    plan = found(capsys)
    assert (plan["room"], plan["strategy"]) == (None, "BlueGreen")
    assert main(arguments) == CHANGED
    assert "Room" not in capsys.readouterr().out


def test_fields_that_decide_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    after = llm("a").model(engine={"contextLength": 4096}).scaling(minReplicas=1, maxReplicas=4)
    assert main([*files(tmp_path, llm("a"), after), "-o", "json"]) == CHANGED
    plan = found(capsys)
    assert (plan["class"], plan["strategy"], plan["extraPods"]) == ("NewCluster", "BlueGreen", 2)
    assert plan["applications"][0]["fields"] == ["spec.models[a].engine.contextLength"]


def test_a_restart_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = llm("a").scaling(minReplicas=2, maxReplicas=2)
    measured = {"measured": {"replicaRestartSeconds": 77}}
    arguments = files(tmp_path, two, two.model(engine={"contextLength": 4096}), status=measured)
    assert main(arguments) == CHANGED
    text = capsys.readouterr().out
    assert "ReplicaRestart: replicas of a restart, a few at a time" in text
    assert "about 77 s, as the last one" in text
    assert "- a: ReplicaRestart: spec.models[a].engine.contextLength" in text


def test_without_the_old_spec_places_of_the_rayservice_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = llm("a").with_("spec.ray", {"image": "img:2"})
    assert main([*files(tmp_path, llm("a"), after, with_parent=False), "-o", "json"]) == CHANGED
    plan = found(capsys)
    assert plan["applications"][0]["fields"] == []
    assert "rayClusterConfig.headGroupSpec.template.spec.containers[ray-head].image" in plan["clusterPaths"]


def test_a_strategy_that_forbids_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    after = llm("a").with_("spec.ray", {"image": "img:2"}).with_("spec.rollout", {"strategy": "InPlace"})
    assert main([*files(tmp_path, llm("a"), after), "-o", "json"]) == CHANGED
    assert found(capsys)["strategy"] == "Hold"


def test_suspend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(files(tmp_path, llm("a"), llm("a").with_("spec.suspend", True))) == CHANGED
    assert "the RayService is deleted" in capsys.readouterr().out


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = files(tmp_path, llm("a"), llm("a").model(engine={"contextLenght": 1}))
    assert main(arguments) == WRONG_INPUT
    assert 'did you mean "contextLength"?' in capsys.readouterr().err
    assert main(["plan", "-f", arguments[2], "--against", arguments[2]]) == WRONG_INPUT
    assert "holds no RayService" in capsys.readouterr().err


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a cluster is asked for: there is none here."""
    arguments = ["plan", "--kubeconfig", str(tmp_path / "none"), "-f"]
    assert main([*arguments, str(tmp_path / "no")]) == WRONG_INPUT
    assert capsys.readouterr().err == f"{tmp_path}/no: cannot be read: No such file or directory\n"
    other = tmp_path / "other.yaml"
    other.write_text("kind: Pod\n", encoding="utf-8")
    assert main([*arguments, str(other)]) == WRONG_INPUT
    assert capsys.readouterr().err == f"{other}: holds no LLMDeployment\n"


def test_without_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = tmp_path / "wanted.yaml"
    wanted.write_text(yaml.safe_dump(llm("a").object()), encoding="utf-8")
    assert main(["plan", "-f", str(wanted), "--kubeconfig", str(tmp_path / "none")]) == WRONG_ENVIRONMENT
    assert "--against FILE" in capsys.readouterr().err
