"""Where a model's weights come from → the name Ray gets, and what the pods need for it: variables, secrets, volumes.

Tests: tests/unit/plan/test_sources.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from llm_operator.api.spec.model import Model
from llm_operator.api.spec.source import SecretKeyRef
from llm_operator.plan.buckets import access
from llm_operator.plan.caches import caches
from llm_operator.plan.features import feature_needs
from llm_operator.plan.needs import Needs
from llm_operator.plan.pods import Claim, Mount, Pairs

_MODELS_MOUNT: Final = "/mnt/models"


@dataclass(frozen=True, slots=True)
class PodSource:
    """What the pods of a model need in order to load and serve it."""

    model_source: str
    """Ray's model_source: a hub id, a bucket URI, or a path in the container."""
    engine_kwargs: tuple[tuple[str, Any], ...] = ()
    default_env: Pairs = ()
    secret_env: tuple[tuple[str, SecretKeyRef], ...] = ()
    mounts: tuple[Mount, ...] = ()
    replica_env: Pairs = ()
    """Variables of the replica's processes (runtime_env), over those of the pods."""


def _location(model: Model) -> tuple[str, Needs]:
    """Ray's model_source, and the volume that it lies on."""
    uri = model.source.uri.rstrip("/")
    scheme, _, rest = uri.partition("://")
    if scheme in ("hf", "file"):
        return rest, Needs("source.uri")
    if scheme != "pvc":
        return uri, Needs("source.uri")
    claim = rest.partition("/")[0]
    mount = Mount("model", f"{_MODELS_MOUNT}/{claim}", Claim(claim), read_only=True)
    return f"{_MODELS_MOUNT}/{rest}", Needs("source.uri", mounts=(mount,))


def _hub(model: Model) -> Iterator[Needs]:
    source = model.source
    if source.revision is not None:
        pins = (("revision", source.revision), ("tokenizer_revision", source.revision))
        yield Needs("source.revision", kwargs=pins)
    if source.token_secret_ref is not None:
        yield Needs("source.tokenSecretRef", secret_env=(("HF_TOKEN", source.token_secret_ref),))


def needs(model: Model) -> tuple[Needs, ...]:
    """What each field of the model asks for, but numbers that stand for one argument each."""
    return (_location(model)[1], *_hub(model), *access(model), *caches(model), *feature_needs(model))


def pod_source(model: Model) -> PodSource:
    """Total for every model that the schema allows."""
    asked = needs(model)
    return PodSource(
        model_source=_location(model)[0],
        engine_kwargs=tuple(pair for need in asked for pair in need.kwargs),
        default_env=tuple(pair for need in asked for pair in need.env),
        secret_env=tuple(pair for need in asked for pair in need.secret_env),
        mounts=tuple(mount for need in asked for mount in need.mounts),
        replica_env=tuple(sorted(pair for need in asked for pair in need.replica_env)),
    )
