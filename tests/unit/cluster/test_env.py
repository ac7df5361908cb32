"""The guard: nothing but the local cluster is ever touched; what is read in a pod is whole."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster import env
from cluster.shell import ClusterError

_CONTEXT = "kind-llm-operator"


def _config(**changes: Any) -> dict[str, Any]:
    return {
        "current-context": _CONTEXT,
        "contexts": [{"name": _CONTEXT, "context": {"cluster": _CONTEXT}}],
        "clusters": [{"name": _CONTEXT, "cluster": {"server": "https://127.0.0.1:40000"}}],
        **changes,
    }


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(env, "KUBECONFIG", tmp_path / "kubeconfig")
    return tmp_path / "kubeconfig"


def test_the_local_cluster_passes(kubeconfig: Path) -> None:
    kubeconfig.write_text(yaml.safe_dump(_config()))
    env.guard()


def test_no_cluster_says_how_to_make_one(kubeconfig: Path) -> None:
    with pytest.raises(ClusterError, match="make cluster"):
        env.guard()


@pytest.mark.parametrize(
    "config",
    [
        _config(**{"current-context": "production"}),
        _config(contexts=[{"name": _CONTEXT}, {"name": "production"}]),
        _config(clusters=[{"name": _CONTEXT, "cluster": {"server": "https://10.1.2.3:6443"}}]),
        {},
    ],
    ids=["other-current", "other-context-beside", "remote-server", "empty"],
)
def test_anything_else_is_refused(kubeconfig: Path, config: dict[str, Any]) -> None:
    kubeconfig.write_text(yaml.safe_dump(config))
    with pytest.raises(ClusterError, match="not of the local cluster alone"):
        env.kubectl("get", "pods")


@dataclass
class Exec:
    """`kubectl exec` as it is when its connection breaks: the first calls give only so much of the output, and no error."""

    parts: list[int]
    calls: int = 0

    def __call__(self, *args: str) -> str:
        self.calls += 1
        done = subprocess.run(args[args.index("--") + 1 :], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(done.stderr)
        return done.stdout[: self.parts.pop(0)] if self.parts else done.stdout


@pytest.mark.parametrize("parts", [[], [0], [7], [0, 3, 7]], ids=["whole", "none", "a-part", "thrice"])
def test_what_is_read_in_a_pod_is_whole(monkeypatch: pytest.MonkeyPatch, parts: list[int]) -> None:
    kubectl = Exec([*parts])
    monkeypatch.setattr(env, "kubectl", kubectl)
    assert env.read_in_pod("llm", "head", "printf", "a b\nc d\n") == "a b\nc d\n"
    assert kubectl.calls == len(parts) + 1


def test_output_lost_every_time_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "kubectl", Exec([0] * 10))
    with pytest.raises(ClusterError, match="pod head lost the output of printf 5 times"):
        env.read_in_pod("llm", "head", "printf", "a")


def test_a_command_that_fails_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl = Exec([])
    monkeypatch.setattr(env, "kubectl", kubectl)
    with pytest.raises(ClusterError):
        env.read_in_pod("llm", "head", "false")
    assert kubectl.calls == 1
