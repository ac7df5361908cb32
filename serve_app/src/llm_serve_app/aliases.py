"""Other names for a model: the map that comes with Serve's `user_config`. Pure: imports neither Ray nor vLLM."""

from collections.abc import Collection, Mapping
from typing import Any


class InvalidAliases(ValueError):
    """The `user_config` of AliasIngress is not usable; the message says which entry and what would be right."""


def parse_aliases(user_config: Mapping[str, Any], models: Collection[str]) -> dict[str, str]:
    """Alias -> model id, from `{"aliases": {alias: model id}}`.

    Raises InvalidAliases for another key, a name that is not text, an alias equal to a model id, or an unknown model.
    """
    unknown = sorted(set(user_config) - {"aliases"})
    if unknown:
        raise InvalidAliases(f"user_config.{unknown[0]}: unknown key; the only key is `aliases`")
    aliases = user_config.get("aliases", {})
    if not isinstance(aliases, Mapping):
        raise InvalidAliases(f"user_config.aliases: must map alias to model id, but is {type(aliases).__name__}")
    for alias, model in aliases.items():
        path = f"user_config.aliases[{alias!r}]"
        if not isinstance(alias, str) or not alias:
            raise InvalidAliases(f"{path}: an alias must be text of at least one character")
        if alias in models:
            raise InvalidAliases(f"{path}: is the id of a model; remove the alias or give it another name")
        if model not in models:
            raise InvalidAliases(f"{path}: no model {model!r} in this application; it has {sorted(models)}")
    return dict(aliases)
