"""Other names for a model or one of its LoRA adapters: the map that comes with Serve's `user_config`. Pure: imports neither Ray nor vLLM."""

from collections.abc import Collection, Mapping
from typing import Any


class InvalidAliases(ValueError):
    """The `user_config` of AliasIngress is not usable; the message says which entry and what would be right."""


def parse_aliases(
    user_config: Mapping[str, Any], models: Collection[str], *, with_adapters: Collection[str] = ()
) -> dict[str, str]:
    """Alias -> model id, or `model:adapter`, from `{"aliases": {alias: target}}`.

    `with_adapters`: the models that have LoRA adapters; which ones lie in the bucket is not looked at.
    Raises InvalidAliases for another key, a name that is not text, an alias equal to a model id or in the form of an
    adapter's, or an unknown model.
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
        if ":" in alias:
            raise InvalidAliases(f"{path}: the colon separates a model from its adapter; give the alias another name")
        _check_target(path, model, models, with_adapters)
    return dict(aliases)


def _check_target(path: str, target: Any, models: Collection[str], with_adapters: Collection[str]) -> None:
    base, colon, adapter = target.partition(":") if isinstance(target, str) else ("", "", "")
    if base not in models:
        raise InvalidAliases(f"{path}: no model {target!r} in this application; it has {sorted(models)}")
    if colon and not adapter:
        raise InvalidAliases(f"{path}: {target!r} names no adapter after the colon")
    if colon and base not in with_adapters:
        raise InvalidAliases(f"{path}: {base!r} has no LoRA adapters here, so {target!r} cannot be served")
