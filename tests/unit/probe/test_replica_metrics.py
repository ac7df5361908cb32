"""Loads of replicas, read from what Ray pods really export (recorded/: the first line says where)."""

from __future__ import annotations

from pathlib import Path

import pytest
from llm_operator.probe.replica_metrics import Load, replica_loads

RECORDED = Path(__file__).parent / "recorded"
# vLLM 0.29.0's names and labels (vllm/v1/metrics/ray_wrappers.py), two engines of one data parallel replica.
_LABELS = 'engine="{engine}",model_name="m",ReplicaId="{replica}",WorkerId="w"'


def line(name: str, value: float, replica: str = "a", engine: int = 0) -> str:
    return f"ray_vllm_{name}{{{_LABELS.format(engine=engine, replica=replica)}}} {value}\n"


def test_recorded_before_the_first_request() -> None:
    """Counters that were never counted are not exported."""
    assert replica_loads((RECORDED / "simulated-idle.txt").read_text()) == {"mzj5oms3": Load(0.0, 0.0)}


def test_replicas_and_engines() -> None:
    text = (
        line("num_requests_running", 2)
        + line("num_requests_running", 1, engine=1)
        + line("generation_tokens_total", 10)
        + line("generation_tokens_total", 5, engine=1)
        + line("prompt_tokens_total", 100)
        + line("num_requests_running", 0, replica="b")
        + line("num_requests_waiting", 9, replica="b")
    )
    assert replica_loads(text) == {"a": Load(3.0, 115.0), "b": Load(0.0, 0.0)}


def test_a_step_of_a_long_prompt_is_progress() -> None:
    before = line("num_requests_running", 1) + line("iteration_tokens_total_sum", 2048)
    after = line("num_requests_running", 1) + line("iteration_tokens_total_sum", 4096)
    assert replica_loads(before)["a"].tokens < replica_loads(after)["a"].tokens


def test_a_replica_that_ended_leaves_its_counters() -> None:
    assert replica_loads(line("generation_tokens_total", 10)) == {}


def test_lines_of_others_do_not_matter() -> None:
    assert replica_loads("nonsense {{{\n" + line("num_requests_running", 1)) == {"a": Load(1.0, 0.0)}
    assert replica_loads("") == {}


def test_another_format_is_said() -> None:
    with pytest.raises(ValueError, match=r"many"):
        replica_loads('ray_vllm_num_requests_running{ReplicaId="a"} many\n')
