"""Presets: engine settings and facts of model families, as data files (`data/presets/NAME.yaml`).

A preset holds what is true for a family, not what is good taste: its task, vLLM's parsers for it, arguments it cannot run
without, and what a memory estimate needs. It fills in what the user left open; the user's own field wins, field by field.
"""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from llm_operator.api.errors import FieldError, did_you_mean
from llm_operator.api.quantity import GIB
from llm_operator.api.spec.engine import Engine
from llm_operator.api.spec.model import Model
from llm_operator.plan.engine_args import FIELDS, canonical

_NOT_FOR_PRESETS: Final = frozenset({"type", "image", "simulation", "dtype", "gpu_memory_utilization"})
"""Fields of `engine` that depend on the user's hardware or images, never on the model."""

Url = Annotated[str, StringConstraints(pattern=r"^https://[a-z0-9.-]+/\S+$")]
HubId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._*-]*$")]


_Some = TypeVar("_Some", bound=BaseModel)


class _Data(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class Attention(_Data):
    """What one token takes in the KV cache. Layers with a window or without attention take less: an upper bound then."""

    layers: int = Field(gt=0)
    kv_heads: int | None = Field(default=None, gt=0)
    head_dim: int | None = Field(default=None, gt=0)
    latent: int | None = Field(default=None, gt=0)
    """Elements per layer of multi-head latent attention (kv_lora_rank + qk_rope_head_dim), which has no heads to count."""
    bound: bool = False
    """True: some layers keep less than this."""

    def bytes_per_token(self, element_bytes: float = 2) -> int:
        """All layers of one replica together; 2 bytes an element are bfloat16, 1 is fp8."""
        width = self.latent if self.latent is not None else 2 * (self.kv_heads or 0) * (self.head_dim or 0)
        return int(self.layers * width * element_bytes)


class Size(_Data):
    """One checkpoint of the family, or several of the same shape."""

    models: tuple[HubId, ...] = Field(min_length=1)
    parameters: float = Field(gt=0)
    """All parameters, in billions (10^9)."""
    active_parameters: float | None = Field(default=None, gt=0)
    """Parameters that one token uses, in billions; absent: all of them."""
    bytes_per_parameter: float = Field(default=2, gt=0)
    """As published: 2 for bfloat16, 1 for fp8."""
    weight_gib: float | None = Field(default=None, gt=0)
    """Size of the published weights where bytes per parameter do not say it (mixed precision)."""
    context_length: int | None = Field(default=None, gt=0)
    attention: Attention | None = None

    @property
    def weight_bytes(self) -> int:
        """Of the published checkpoint."""
        if self.weight_gib is not None:
            return round(self.weight_gib * GIB)
        return round(self.parameters * 1e9 * self.bytes_per_parameter)


class Thinking(_Data):
    """Hybrid reasoning: a variable of the chat template that a request may set in `chat_template_kwargs`."""

    kwarg: str
    default: bool
    """What the model does when nobody says anything."""


class AirGap(_Data):
    """Files that the engine fetches from the internet by itself, and the variable that points it at a local folder."""

    variable: str
    files: tuple[str, ...] = Field(min_length=1)


class Preset(_Data):
    """One family."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=40)]
    title: Annotated[str, StringConstraints(max_length=80)]
    models: tuple[HubId, ...] = Field(min_length=1)
    """Repositories on the hub that it is for; `*` stands for the rest of a name."""
    architectures: tuple[str, ...] = Field(min_length=1)
    """As the checkpoints' config.json names them; vLLM supports each."""
    task: Literal["Generate", "Embed", "Score", "Transcribe"] = "Generate"
    engine: Engine = Field(default_factory=Engine)
    thinking: Thinking | None = None
    tool_template: str | None = None
    """vLLM's example chat template that tool calls need or work better with (folder examples/ of its repository)."""
    remote_code: bool = False
    """True: the checkpoint brings Python code that must run: engine.args needs trust-remote-code, which the administrator must
    allow (inputs.Policy)."""
    air_gap: AirGap | None = None
    note: str = ""
    source: tuple[Url, ...] = Field(min_length=1)
    sizes: tuple[Size, ...] = ()

    @model_validator(mode="after")
    def _is_about_the_model(self) -> "Preset":
        if wrong := self.engine.model_fields_set & _NOT_FOR_PRESETS:
            raise ValueError(f"depends on hardware or images, not on the model: {', '.join(sorted(wrong))}")
        return self

    def size(self, hub_id: str) -> Size | None:
        """Facts of one checkpoint, by its name on the hub in any case."""
        return next((size for size in self.sizes if hub_id.lower() in (name.lower() for name in size.models)), None)


def parse(text: str) -> Preset:
    """A preset from YAML. Raises pydantic.ValidationError (unknown keys included) or yaml.YAMLError."""
    # Lists become tuples and settings are read by the API's own Engine model: JSON mode of pydantic does both, strictly.
    return Preset.model_validate_json(json.dumps(yaml.safe_load(text)))


@cache
def _all() -> Mapping[str, Preset]:
    folder = resources.files("llm_operator.plan").joinpath("data/presets")
    found = [parse(file.read_text(encoding="utf-8")) for file in folder.iterdir() if file.name.endswith(".yaml")]
    return {preset.name: preset for preset in sorted(found, key=lambda preset: preset.name)}


def names() -> tuple[str, ...]:
    """Sorted names of all presets."""
    return tuple(_all())


def preset(name: str) -> Preset:
    """Raises KeyError for an unknown name."""
    return _all()[name]


def matching(hub_id: str) -> tuple[str, ...]:
    """Names of the presets that are for a repository on the hub (`Qwen/Qwen3-8B`)."""
    return tuple(name for name, found in _all().items() if any(fnmatchcase(hub_id, made) for made in found.models))


def size_of(hub_id: str) -> Size | None:
    """Facts of a checkpoint (`Qwen/Qwen3-8B`), whichever preset holds them; None when nobody knows."""
    return next((size for found in _all().values() if (size := found.size(hub_id)) is not None), None)


def check_preset(path: str, model: Model) -> Iterator[FieldError]:
    """An unknown preset, and a preset for another task than the model says."""
    if model.preset is None:
        return
    if model.preset not in _all():
        hint = did_you_mean(model.preset, names()) or f"one of {', '.join(names())}"
        yield FieldError(f"{path}.preset", f'unknown preset "{model.preset}"; {hint}')
        return
    task = preset(model.preset).task
    if "task" in model.model_fields_set and model.task != task:
        yield FieldError(
            f"{path}.preset", f"{model.preset} is for task {task}, but task is {model.task}: remove one of them"
        )


def _merge(ours: BaseModel, users: _Some) -> _Some:
    """The user's settings, and ours where the user said nothing; inside nested fields and maps alike."""
    update: dict[str, Any] = {}
    for name in ours.model_fields_set:
        mine, theirs = getattr(ours, name), getattr(users, name)
        if name not in users.model_fields_set:
            update[name] = mine
        elif isinstance(mine, BaseModel) and isinstance(theirs, BaseModel):
            update[name] = _merge(mine, theirs)
        elif isinstance(mine, dict) and isinstance(theirs, dict):
            update[name] = {**mine, **theirs}
    return users.model_copy(update=update)


def _without_users_args(ours: Engine, users: Engine) -> Engine:
    """Our settings less those that the user wrote as an argument, and our arguments less those with a field of the user's."""
    written = {canonical(name) for name in users.args}
    hidden = {path.split(".")[0] for name in written for path in FIELDS.get(name, ())}
    kept = {name: getattr(ours, name) for name in ours.model_fields_set - hidden}
    if "args" in kept:
        kept["args"] = {
            name: value
            for name, value in ours.args.items()
            if canonical(name) not in written
            and not any(path.split(".")[0] in users.model_fields_set for path in FIELDS.get(canonical(name), ()))
        }
    if "env" in kept:
        taken = {variable.name for variable in users.env}
        kept["env"] = (*users.env, *(variable for variable in ours.env if variable.name not in taken))
    return Engine.model_construct(_fields_set=set(kept), **kept)


def apply(found: Preset, model: Model) -> Model:
    """The model with what the preset adds. Total; the result may be applied again without a change."""
    ours = _without_users_args(found.engine, model.engine)
    engine = _merge(ours, model.engine)
    if "env" in ours.model_fields_set:
        engine = engine.model_copy(update={"env": ours.env})
    update: dict[str, Any] = {} if engine == model.engine else {"engine": engine}
    if "task" not in model.model_fields_set:
        update["task"] = found.task
    return model.model_copy(update=update)


def resolved(model: Model) -> Model:
    """The model with its preset applied, if it names one. Raises KeyError for an unknown preset (see check_preset)."""
    return model if model.preset is None else apply(preset(model.preset), model)
