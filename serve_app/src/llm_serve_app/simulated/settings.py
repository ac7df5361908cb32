"""Settings of the simulated engine: `experimental_configs.simulated` of an LLMConfig."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llm_serve_app.problem import did_you_mean

PATH = "experimental_configs.simulated"


class InvalidSettings(ValueError):
    """The settings cannot be used; one line per problem, each with its path and what would be right."""


class Settings(BaseModel):
    """How the engine behaves. Times are in milliseconds unless the name says seconds; rates and shares are 0..1."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    time_to_first_token_ms: float = Field(
        default=50, ge=0, le=3_600_000, description="from admission to the first token"
    )
    time_per_output_token_ms: float = Field(default=10, ge=0, le=3_600_000, description="between two tokens")
    jitter: float = Field(default=0, ge=0, le=1, description="both times vary by up to this share, up and down")
    output_tokens: int = Field(
        default=32, ge=1, le=1_000_000, description="length of an answer that nothing else limits"
    )
    failure_rate: float = Field(default=0, ge=0, le=1, description="share of requests that fail with status 500")
    stall_rate: float = Field(default=0, ge=0, le=1, description="share of requests that stop half-way for ever")
    startup_seconds: float = Field(default=0, ge=0, le=86_400, description="how long the start of the engine takes")
    health_fails_after_seconds: float | None = Field(default=None, ge=0, description="since the start; never if null")
    seed: int = Field(default=0, description="with a request's id it decides failure, stall and jitter")
    max_num_seqs: int | None = Field(
        default=None, ge=1, description="running sequences; engine_kwargs.max_num_seqs or 256"
    )
    kv_cache_tokens: int | None = Field(default=None, ge=1, description="16 times the context length if null")
    embedding_size: int = Field(default=64, ge=1, le=65_536, description="length of an embedding")


def parse_settings(values: Any) -> Settings:
    """Settings from the mapping, None for all defaults. Raises InvalidSettings that names every problem."""
    if values is None:
        return Settings()
    if not isinstance(values, Mapping):
        raise InvalidSettings(f"{PATH}: must be a mapping of settings, but is {type(values).__name__}")
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        raise InvalidSettings("\n".join(_problem(detail) for detail in error.errors())) from None


def _problem(detail: Any) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = did_you_mean(name, Settings.model_fields)
        return f"{PATH}.{name}: unknown setting{known or '; known are ' + ', '.join(Settings.model_fields)}"
    return f"{PATH}.{name}: {detail['msg']}, but is {detail['input']!r}"
