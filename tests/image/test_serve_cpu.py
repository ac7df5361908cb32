"""What only the serving image can say: vLLM is in there, and nowhere else."""

import json
from pathlib import Path

import pytest
from image.container import python

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "operator/src/llm_operator/plan/data/vllm-0.29.0.json"
NAMES = ("demo", "llama-3.3-70b")
BUILD = """
import json, sys
from ray.llm._internal.serve.core.configs.llm_config import LLMConfig
from ray.llm._internal.serve.core.server.builder import build_llm_deployment
bundles = {"bundles": [{"CPU": 1}]}
apps = [build_llm_deployment(LLMConfig(model_loading_config={"model_id": name}, placement_group_config=bundles)) for name in sys.argv[1:]]
print("NAMES " + json.dumps([app._bound_deployment.name for app in apps]))
"""
FIND_PYTHON = """
import subprocess
words = "from ray._private.gcs_utils import cleanup_redis_storage as found; print(found.__name__)"
print(subprocess.run(["bash", "-lc", f"python -c '{words}'"], check=True, capture_output=True, text=True).stdout)
"""


def test_engine_arguments_are_those_of_the_vllm_inside() -> None:
    assert json.loads(python("-m", "llm_serve_app.engine_args", "0.29.0")) == json.loads(DATA.read_text())


def test_engine_deployments_have_the_names_that_ray_gives() -> None:
    from llm_operator.plan.deployments import engine_deployment

    lines = [line for line in python("-c", BUILD, *NAMES).splitlines() if line.startswith("NAMES ")]
    if not lines:
        pytest.fail("the builder printed no names")
    assert json.loads(lines[-1].removeprefix("NAMES ")) == [engine_deployment(name) for name in NAMES]


def test_kuberay_finds_the_python_that_cleans_redis_up() -> None:
    """KubeRay 1.6.2, raycluster_controller.go, buildRedisCleanupJob: `python -c "from ray._private.gcs_utils import ..."`."""
    said = python("-c", FIND_PYTHON)
    assert said.strip().endswith("cleanup_redis_storage")
