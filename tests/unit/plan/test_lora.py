"""LoRA: what Ray and vLLM get, and that the two agree."""

from __future__ import annotations

from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.api.spec.model import Model
from llm_operator.plan.lora import aliases
from unit.plan.features import OWN_IMAGE, added, engine, planned

ROOT = "s3://adapters/qwen"


def lora(**fields: Any) -> LLM:
    return llm("m").with_("spec.ray", OWN_IMAGE).model(lora={"root": ROOT, **fields})


def test_nothing_without_lora() -> None:
    assert engine(llm("m")).lora == ()
    assert "enable_lora" not in dict(engine(llm("m")).engine_kwargs)


@pytest.mark.parametrize(
    ("fields", "rank", "slots"), [({}, 16, 8), ({"maxRank": 320, "maxAdaptersPerReplica": 3}, 320, 3)]
)
def test_ray_and_vllm_agree(fields: dict[str, int], rank: int, slots: int) -> None:
    """vLLM refuses to load more than max_loras; Ray would go on to load up to its own number."""
    assert added(lora={"root": ROOT, **fields}) == {"enable_lora": True, "max_lora_rank": rank, "max_loras": slots}
    assert dict(engine(lora(**fields)).lora) == {
        "dynamic_lora_loading_path": ROOT,
        "max_num_adapters_per_replica": slots,
    }


def test_the_root_has_no_slash_at_its_end() -> None:
    """Ray puts `/ADAPTER` behind it."""
    assert dict(engine(llm("m").model(lora={"root": f"{ROOT}/"})).lora)["dynamic_lora_loading_path"] == ROOT


@pytest.mark.parametrize("task", ["Generate", "Embed", "Score", "Transcribe"])
def test_every_task_may_have_adapters(task: str) -> None:
    assert engine(llm("m").model(task=task, lora={"root": ROOT})).lora != ()


def test_both_halves_of_a_disaggregated_model_have_the_same_adapters() -> None:
    made = llm("m").gpu("H100").model(disaggregation={}, lora={"root": ROOT})
    prefill, decode = planned(made).models[0].serving.servers
    assert prefill.engine.lora == decode.engine.lora != ()


def test_aliases_of_model_and_adapters() -> None:
    fields = {"adapters": [{"name": "b", "aliases": ["z", "y"]}, {"name": "a", "aliases": ["x"]}]}
    body = lora(**fields).model(aliases=["base"]).object()["spec"]["models"][0]
    assert aliases(Model.model_validate(body)) == (("base", "m"), ("x", "m:a"), ("y", "m:b"), ("z", "m:b"))
