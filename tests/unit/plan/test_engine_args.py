"""engine.args: what is allowed, refused and why; what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from builders import llm
from llm_operator.api.types import Model, parse_spec
from llm_operator.plan.engine_args import REFUSED, check_args, engine_kwargs, known


def model(**fields: Any) -> Model:
    return parse_spec(llm("m").model(**fields).object()["spec"]).models[0]


def messages(**args: Any) -> list[str]:
    return [str(error) for error in check_args("m", model(engine={"args": args}))]


@pytest.mark.parametrize("name", sorted(known() - REFUSED.keys()))
def test_allowed_in_either_spelling(name: str) -> None:
    assert messages(**{name: 1}) == []
    assert messages(**{name.replace("_", "-"): 1}) == []


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_in_either_spelling(name: str) -> None:
    assert messages(**{name: 1}) == [f"m.engine.args.{name}: {REFUSED[name]}"]
    dashed = name.replace("_", "-")
    assert messages(**{dashed: 1}) == [f"m.engine.args.{dashed}: {REFUSED[name]}"]


def test_no_refusal_is_a_typing_error() -> None:
    """A name that vLLM does not have would be refused anyway, and the real one would slip through."""
    assert REFUSED.keys() <= known()


@pytest.mark.parametrize(
    "name",
    ["trust_remote_code", "worker_cls", "logits_processors", "tensor_parallel_size", "distributed_executor_backend", "hf_token",
     "served_model_name", "enable_log_requests", "kv_transfer_config", "allowed_local_media_path"],
)  # fmt: skip
def test_the_dangerous_ones_stay_refused(name: str) -> None:
    assert name in REFUSED


def test_a_hint_never_names_a_refused_argument() -> None:
    (message,) = messages(**{"trust-remote-cod": True})
    assert "trust_remote_code" not in message


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("contextLength", 512, "max_model_len"),
        ("dtype", "bfloat16", "dtype"),
        ("quantization", "fp8", "quantization"),
        ("gpuMemoryUtilization", 0.5, "gpu_memory_utilization"),
        ("maxNumSeqs", 8, "max_num_seqs"),
    ],
)
def test_a_field_of_engine_under_vllms_name(field: str, value: Any, name: str) -> None:
    assert engine_kwargs(model(engine={field: value}))[name] == value
    (error,) = check_args("m", model(engine={field: value, "args": {name: value}}))
    assert error.message == "is set twice: here and by its own field of engine"


def test_kwargs_of_the_smallest() -> None:
    assert engine_kwargs(model()) == {"dtype": "auto", "tensor_parallel_size": 1}


def test_an_argument_wins_over_a_default() -> None:
    assert engine_kwargs(model(engine={"args": {"dtype": "half"}}))["dtype"] == "half"


def test_dashes_become_underscores_and_values_stay() -> None:
    kwargs = engine_kwargs(
        model(engine={"args": {"limit-mm-per-prompt": {"image-x": 2}, "enforce_eager": False, "seed": 0}})
    )
    assert kwargs["limit_mm_per_prompt"] == {"image-x": 2}
    assert kwargs["enforce_eager"] is False
    assert kwargs["seed"] == 0


def test_one_revision_for_weights_and_tokenizer() -> None:
    kwargs = engine_kwargs(model(source={"uri": "hf://a/b", "revision": "abc"}))
    assert (kwargs["revision"], kwargs["tokenizer_revision"]) == ("abc", "abc")


def test_tensor_parallel_size() -> None:
    made = model(accelerators=[{"type": "H100", "count": 4}], parallelism={"tensor": 4})
    assert engine_kwargs(made)["tensor_parallel_size"] == 4
