"""The guard: nothing but the local cluster is ever touched."""

from __future__ import annotations

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
