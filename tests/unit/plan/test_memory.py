"""Estimates of memory, calculated by hand beside them."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
import yaml
from llm_operator.api.accelerators import AcceleratorType
from llm_operator.api.parts import parts
from llm_operator.api.spec.hardware import Accelerator
from llm_operator.api.spec.model import Model
from llm_operator.plan.memory import Estimate, Unknown, accelerator_gb, estimate

LLAMA = "hf://meta-llama/Llama-3.3-70B-Instruct"  # 70.6 billion parameters in bfloat16; 80 layers, 8 KV heads of 128
R1 = "hf://deepseek-ai/DeepSeek-R1"  # 671 billion in fp8, 37 active; 61 layers, latent of 576


def made(uri: str, kwargs: dict[str, Any] | None = None, **fields: Any) -> Estimate | Unknown:
    raw = {"name": "m", "source": {"uri": uri}, "accelerators": [{"type": "H100", "count": 8}], **fields}
    model = Model.model_validate(raw)
    return estimate(model, parts("", model)[0], kwargs or {}, "64Gi")


def known(uri: str, kwargs: dict[str, Any] | None = None, **fields: Any) -> Estimate:
    found = made(uri, kwargs, **fields)
    assert isinstance(found, Estimate)
    return found


def test_weights_and_cache_of_a_dense_model() -> None:
    found = known(LLAMA, parallelism={"tensor": 8})
    assert found.weights == pytest.approx(70.6e9 * 2)
    assert found.memory == pytest.approx(8 * 80e9 * 0.92)
    assert found.token == 80 * 2 * 8 * 128 * 2
    assert found.context == 131072
    assert found.tokens == int((8 * 80e9 * 0.92 - 141.2e9) // 327680)
    assert found.fits


@pytest.mark.parametrize(
    ("kwargs", "weights", "token"),
    [
        ({"quantization": "fp8"}, 70.6e9, 327680),
        ({"kv_cache_dtype": "fp8"}, 141.2e9, 163840),
        ({"kv_cache_dtype": "nvfp4"}, 141.2e9, 81920),
        ({"dtype": "float32"}, 282.4e9, 655360),
        ({"quantization": "awq"}, 141.2e9, 327680),  # what is published with it is the checkpoint's own
    ],
)
def test_types_of_weights_and_cache(kwargs: dict[str, Any], weights: float, token: int) -> None:
    found = known(LLAMA, kwargs, parallelism={"tensor": 8})
    assert found.weights == pytest.approx(weights)
    assert found.token == token


def test_more_ranks_than_heads_hold_heads_twice() -> None:
    qwen = "hf://Qwen/Qwen3-30B-A3B"  # 4 KV heads
    assert known(qwen, parallelism={"tensor": 8}).token == 2 * (known(qwen, parallelism={"tensor": 4}).token or 0)


def test_every_rank_holds_the_whole_latent_vector() -> None:
    found = known(R1, parallelism={"tensor": 8, "pipeline": 2})
    assert found.token == 61 * 576 * 2 * 8
    assert found.memory == pytest.approx(16 * 80e9 * 0.92)


def test_data_parallel_engines_share_experts() -> None:
    alone, four = known(R1), known(R1, parallelism={"data": 4})
    assert alone.weights == pytest.approx(671e9)
    assert four.weights == pytest.approx(37e9 + (671e9 - 37e9) / 4)
    assert known(LLAMA, parallelism={"data": 4}).weights == pytest.approx(141.2e9)  # each its own


def test_a_share_of_a_gpu() -> None:
    found = known("hf://Qwen/Qwen3-0.6B", {"gpu_memory_utilization": 0.45}, accelerators=[{"type": "L4", "share": 0.5}])
    assert found.memory == pytest.approx(24e9 * 0.45)
    assert found.taken_of == "0.45 of 1 x 24 GB"


def test_the_smallest_of_several_kinds_counts() -> None:
    found = known("hf://Qwen/Qwen3-8B", accelerators=[{"type": "H100"}, {"type": "L4"}])
    assert found.memory == pytest.approx(24e9 * 0.92)


def test_cpu_takes_the_pods_memory() -> None:
    assert known("hf://Qwen/Qwen3-8B", accelerators=[{"type": "CPU"}]).memory == 64 * 2**30


@pytest.mark.parametrize(
    ("uri", "fields", "left", "fits"),
    [
        (LLAMA, {"accelerators": [{"type": "L4"}]}, -1, False),  # weights alone
        ("hf://Qwen/Qwen3-8B", {"accelerators": [{"type": "L4"}]}, 1, False),  # 40960 tokens x 144 KiB > 5.7 GB
        ("hf://Qwen/Qwen3-8B", {"accelerators": [{"type": "L40S"}]}, 1, True),
    ],
)
def test_what_does_not_fit(uri: str, fields: dict[str, Any], left: int, fits: bool) -> None:
    found = known(uri, **fields)
    assert (found.left > 0, found.fits) == (left > 0, fits)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (made("hf://org/unheard-of"), "hf://org/unheard-of: no preset has facts about it"),
        (made("s3://bucket/x"), "s3://bucket/x: facts are kept by names on the hub only"),
        (made(LLAMA, engine={"type": "Simulated"}), "the simulated engine loads no weights"),
        (
            made(LLAMA, accelerators=[{"type": "GB300"}]),
            "the memory of GB300 is not in plan/data/accelerator-memory.yaml",
        ),
    ],
)
def test_unknown_says_why(found: Estimate | Unknown, why: str) -> None:
    assert found == Unknown(why)


def test_a_mig_slice_says_its_size() -> None:
    assert accelerator_gb(Accelerator(type=AcceleratorType.H100, resourceName="nvidia.com/mig-3g.40gb")) == 40
    assert accelerator_gb(Accelerator(type=AcceleratorType.H100, resourceName="nvidia.com/gpu")) == 80


def test_the_table_names_types_and_sources() -> None:
    text = resources.files("llm_operator.plan").joinpath("data/accelerator-memory.yaml").read_text(encoding="utf-8")
    rows = yaml.safe_load(text)
    names = [row["type"] for row in rows]
    assert len(set(names)) == len(names)
    assert set(names) < {kind.value for kind in AcceleratorType} - {"CPU"}
    assert all(row["source"].startswith("https://") and row["gb"] > 0 for row in rows)
