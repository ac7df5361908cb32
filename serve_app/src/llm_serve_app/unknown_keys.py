"""Keys of a document that a pydantic model does not have: Serve's schemas drop them without a word."""

import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from llm_serve_app.problem import Problem, did_you_mean


def unknown_keys(value: Mapping[str, Any], model: type[BaseModel], path: str) -> Iterator[Problem]:
    """Walks `value` beside `model`. Keys of a free-form dict field are the user's own and are not looked at."""
    for key, child in value.items():
        at = f"{path}.{key}".lstrip(".")
        if key not in model.model_fields:
            if model.model_config.get("extra") == "allow":
                continue  # the model says itself that further keys mean something: a bundle's custom resources
            yield Problem(at, f"unknown key{did_you_mean(str(key), model.model_fields)}")
            continue
        nested = list(_models_in(model.model_fields[key].annotation))
        if isinstance(child, Mapping) and nested:
            yield from _fewest(child, nested, at)
        elif isinstance(child, list) and nested:
            for index, item in enumerate(child):
                if isinstance(item, Mapping):
                    yield from _fewest(item, nested, f"{at}[{index}]")


def _fewest(value: Mapping[str, Any], models: list[type[BaseModel]], path: str) -> list[Problem]:
    """For a union of models: the problems of the one that fits best."""
    return min((list(unknown_keys(value, model, path)) for model in models), key=len)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The pydantic models in an annotation such as `Optional[list[Model]]` or `Union[dict, Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models_in(part)
