"""Aliases as they come through `user_config`: taken as they are, or refused with the entry that is wrong."""

from typing import Any

import pytest
from llm_serve_app.aliases import InvalidAliases, parse_aliases


@pytest.mark.parametrize("user_config", [{}, {"aliases": {}}])
def test_no_aliases(user_config: dict[str, Any]) -> None:
    assert parse_aliases(user_config, ["demo"]) == {}


def test_several_names_for_a_model() -> None:
    aliases = {"gpt-4o": "demo", "default": "demo"}
    assert parse_aliases({"aliases": aliases}, ["demo"]) == aliases


def test_an_adapter_of_a_model_that_has_some() -> None:
    aliases = {"sql": "demo:sql-v2", "plain": "demo"}
    assert parse_aliases({"aliases": aliases}, ["demo", "other"], with_adapters=["demo"]) == aliases


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("other:sql", "'other' has no LoRA adapters here, so 'other:sql' cannot be served"),
        ("demo:", "'demo:' names no adapter after the colon"),
        ("nobody:sql", "no model 'nobody:sql' in this application; it has ['demo', 'other']"),
        (7, "no model 7 in this application"),
    ],
)
def test_refused_adapters(target: object, message: str) -> None:
    with pytest.raises(InvalidAliases) as error:
        parse_aliases({"aliases": {"sql": target}}, ["demo", "other"], with_adapters=["demo"])
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("user_config", "message"),
    [
        ({"aliases": {"a:b": "demo"}}, "the colon separates a model from its adapter"),
        ({"alias": {}}, "user_config.alias: unknown key"),
        ({"aliases": ["gpt-4o"]}, "user_config.aliases: must map"),
        ({"aliases": {"": "demo"}}, "at least one character"),
        ({"aliases": {"demo": "demo"}}, "is the id of a model"),
        ({"aliases": {"gpt-4o": "dmeo"}}, "no model 'dmeo' in this application; it has ['demo']"),
    ],
)
def test_refused(user_config: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidAliases) as error:
        parse_aliases(user_config, ["demo"])
    assert message in str(error.value)
