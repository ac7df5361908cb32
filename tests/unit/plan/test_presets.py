"""Presets: each file is right by vLLM's own data; the user's fields win; text of the command."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from builders import llm
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_operator.api.spec.model import Model
from llm_operator.plan import presets
from llm_operator.plan.engine_args import FIELDS, check_args, check_value, registry
from llm_operator.plan.presets import (
    Attention,
    Preset,
    Size,
    apply,
    check_preset,
    matching,
    parse,
    preset,
    resolved,
    size_of,
)
from llm_operator.render.presets_text import details, listing
from pydantic import ValidationError

NAMES = presets.names()
ARGUMENTS = {path: name for name, paths in FIELDS.items() for path in paths}


def model(**fields: Any) -> Model:
    return Model.model_validate(llm("m").model(**fields).object()["spec"]["models"][0])


def a_preset(**fields: Any) -> Preset:
    base = {"name": "p", "title": "P", "models": ["a/b"], "architectures": ["A"], "source": ["https://example.org/p"]}
    return parse(yaml.safe_dump(base | fields))


def test_the_families_of_the_catalogue_are_there() -> None:
    assert {
        "llama-3", "llama-4", "qwen2.5", "qwen2.5-vl", "qwen3", "qwq", "deepseek-r1", "deepseek-v3", "mixtral", "gpt-oss",
        "llama-nemotron", "bge", "bge-reranker", "whisper",
    } <= set(NAMES)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_it_sets_is_known_to_vllm(name: str) -> None:
    """Parsers, arguments and their values, by the generated data, as if the user had written them."""
    found = preset(name)
    engine = found.engine.model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert list(check_args("m", model(engine=engine))) == []
    for field in found.engine.model_fields_set & ARGUMENTS.keys():
        assert check_value(ARGUMENTS[field], getattr(found.engine, field)) is None, field
    assert set(found.architectures) <= set(registry("architectures"))


@pytest.mark.parametrize("name", NAMES)
def test_applied_to_the_smallest_model_everything_arrives(name: str) -> None:
    found, made = preset(name), resolved(model(preset=name))
    assert made.task == found.task
    for field in found.engine.model_fields_set:
        assert getattr(made.engine, field) == getattr(found.engine, field)
        assert field in made.engine.model_fields_set
    assert list(check_preset("m", model(preset=name))) == []
    assert Model.model_validate(made.model_dump(by_alias=True, exclude_unset=True, mode="json")) == made


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_of_its_own_models(name: str) -> None:
    found = preset(name)
    for size in found.sizes:
        for hub_id in size.models:
            assert name in matching(hub_id)
            assert size_of(hub_id.upper()) == size
        assert size.active_parameters is None or size.active_parameters < size.parameters
        assert size.weight_bytes > 0


def test_no_checkpoint_belongs_to_two_families() -> None:
    known = [hub_id for name in NAMES for size in preset(name).sizes for hub_id in size.models]
    assert len(known) == len(set(known)) > 50
    assert {hub_id: matching(hub_id) for hub_id in known if len(matching(hub_id)) != 1} == {}


def test_memory_of_weights_and_of_a_token() -> None:
    llama = size_of("meta-llama/Llama-3.1-8B-Instruct")
    assert llama is not None
    assert llama.attention is not None
    assert llama.weight_bytes == 16_060_000_000
    assert llama.attention.bytes_per_token() == 32 * 2 * 8 * 128 * 2 == 128 * 1024
    assert llama.attention.bytes_per_token(1) == 64 * 1024
    assert Attention(layers=61, latent=576).bytes_per_token() == 61 * 576 * 2
    mixed = Size.model_validate_json('{"models": ["a/b"], "parameters": 117, "weightGib": 0.5}')
    assert mixed.weight_bytes == 2**29
    assert size_of("a/unknown") is None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"colour": "red"}, "colour"),
        ({"engine": {"toolCallParzer": "hermes"}}, "toolCallParzer"),
        ({"engine": {"image": "x"}}, "depends on hardware or images"),
        ({"task": "Chat"}, "task"),
        ({"source": []}, "source"),
        ({"source": ["somebody said so"]}, "source"),
        ({"thinking": {"kwarg": "x", "default": "yes"}}, "default"),
        ({"sizes": [{"models": ["a/b"], "parameters": "8B"}]}, "parameters"),
    ],
)
def test_a_wrong_file_is_refused(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        a_preset(**document)


def test_the_users_field_wins() -> None:
    made = apply(
        a_preset(engine={"toolCallParser": "hermes", "reasoningParser": "qwen3"}),
        model(engine={"toolCallParser": "openai"}),
    )
    assert (made.engine.tool_call_parser, made.engine.reasoning_parser) == ("openai", "qwen3")


def test_null_turns_a_setting_of_the_preset_off() -> None:
    made = apply(a_preset(engine={"toolCallParser": "hermes"}), model(engine={"toolCallParser": None}))
    assert made.engine.tool_call_parser is None


def test_the_users_task_wins() -> None:
    assert apply(a_preset(task="Embed"), model()).task == "Embed"
    assert apply(a_preset(task="Embed"), model(task="Generate")).task == "Generate"


def test_inside_nested_fields_too() -> None:
    found = a_preset(engine={"chatTemplate": {"defaultKwargs": {"enable_thinking": True, "x": 1}}})
    made = apply(found, model(engine={"chatTemplate": {"defaultKwargs": {"enable_thinking": False}}}))
    assert made.engine.chat_template.default_kwargs == {"enable_thinking": False, "x": 1}
    kept = apply(found, model(engine={"chatTemplate": {"inline": "t"}})).engine.chat_template
    assert (kept.inline, kept.default_kwargs) == ("t", {"enable_thinking": True, "x": 1})


def test_an_argument_of_the_user_wins_over_a_field_and_the_other_way_round() -> None:
    made = apply(a_preset(engine={"toolCallParser": "hermes"}), model(engine={"args": {"tool-call-parser": "openai"}}))
    assert made.engine.tool_call_parser is None
    assert list(check_args("m", made)) == []
    made = apply(a_preset(engine={"args": {"max-num-seqs": 32, "seed": 1}}), model(engine={"maxNumSeqs": 8}))
    assert (made.engine.args, made.engine.max_num_seqs) == ({"seed": 1}, 8)


def test_arguments_are_the_same_in_either_spelling() -> None:
    made = apply(
        a_preset(engine={"args": {"load-format": "mistral", "seed": 1}}),
        model(engine={"args": {"load_format": "auto"}}),
    )
    assert made.engine.args == {"load_format": "auto", "seed": 1}


def test_variables_are_added() -> None:
    found = a_preset(engine={"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]})
    made = apply(found, model(engine={"env": [{"name": "B", "value": "x"}]}))
    assert [(variable.name, variable.value) for variable in made.engine.env] == [("B", "x"), ("A", "1")]


engines = st.fixed_dictionaries(
    {},
    optional={
        "toolCallParser": st.sampled_from(["openai", None]),
        "contextLength": st.just(512),
        "chatTemplate": st.sampled_from([{"defaultKwargs": {"enable_thinking": False}}, {"inline": "t"}]),
        "multimodal": st.just({"minPixels": 9}),
        "args": st.dictionaries(
            st.sampled_from(["seed", "load-format", "load_format", "tool_call_parser", "mm_encoder_tp_mode"]),
            st.just("v"),
            max_size=3,
        ),
        "env": st.just([{"name": "A", "value": "1"}]),
    },
)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(NAMES), engine=engines)
def test_nothing_of_the_user_is_lost_and_twice_is_once(name: str, engine: dict[str, Any]) -> None:
    users = model(engine=engine)
    made = apply(preset(name), users)
    assert apply(preset(name), made) == made
    theirs = users.model_dump(by_alias=True, exclude_unset=True, mode="json")
    ours = made.model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert _holds(ours, theirs)


def _holds(ours: Any, theirs: Any) -> bool:
    """Every leaf of the user's is still there."""
    if isinstance(theirs, dict):
        return all(key in ours and _holds(ours[key], value) for key, value in theirs.items())
    return ours[: len(theirs)] == theirs if isinstance(theirs, list) else bool(ours == theirs)


def test_without_a_preset_nothing_changes() -> None:
    assert resolved(model()) == model()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"preset": "qwen33"}, 'm.preset: unknown preset "qwen33"; did you mean "qwen3"?'),
        ({"preset": "bge", "task": "Score"}, "m.preset: bge is for task Embed, but task is Score: remove one of them"),
    ],
)
def test_what_a_user_sees(fields: dict[str, Any], message: str) -> None:
    assert [str(error) for error in check_preset("m", model(**fields))] == [message]


def test_a_name_like_nothing_gets_the_list() -> None:
    (error,) = check_preset("m", model(preset="zzzzzzzz"))
    assert error.message.endswith(", ".join(NAMES))


def test_task_and_preset_may_agree() -> None:
    assert list(check_preset("m", model(preset="bge", task="Embed"))) == []


def test_the_table_has_a_line_for_each() -> None:
    lines = listing().splitlines()
    assert lines[0].split() == ["NAME", "TASK", "MODELS", "SETS"]
    assert [line.split()[0] for line in lines[1:]] == list(NAMES)
    assert "toolCallParser=hermes reasoningParser=qwen3" in next(line for line in lines if line.startswith("qwen3 "))


@pytest.mark.parametrize("name", NAMES)
def test_details_are_the_preset(name: str) -> None:
    assert parse(details(name)) == preset(name)
