"""Where a model's weights come from → the name Ray gets, and what the pods need for it: variables, secrets, volumes."""

from dataclasses import dataclass
from typing import Any, Final

from llm_operator.api.spec.model import Model
from llm_operator.api.spec.source import SecretKeyRef
from llm_operator.plan.plan import Claim, Mount, Pairs

_MODELS_MOUNT: Final = "/mnt/models"


@dataclass(frozen=True, slots=True)
class PodSource:
    """What the pods of a model need in order to load it."""

    model_source: str
    """Ray's model_source: a hub id, a bucket URI, or a path in the container."""
    engine_kwargs: tuple[tuple[str, Any], ...] = ()
    default_env: Pairs = ()
    secret_env: tuple[tuple[str, SecretKeyRef], ...] = ()
    mounts: tuple[Mount, ...] = ()


def pod_source(model: Model) -> PodSource:
    """Total for every URI that the schema allows."""
    source = model.source
    scheme, _, rest = source.uri.partition("://")
    mounts: tuple[Mount, ...] = ()
    model_source = source.uri.rstrip("/")
    if scheme in ("hf", "file"):
        model_source = rest
    elif scheme == "pvc":
        claim = rest.partition("/")[0]
        mounts = (Mount("model", f"{_MODELS_MOUNT}/{claim}", Claim(claim), read_only=True),)
        model_source = f"{_MODELS_MOUNT}/{rest}"
    kwargs: dict[str, Any] = {}
    if source.revision is not None:
        kwargs = {"revision": source.revision, "tokenizer_revision": source.revision}
    secrets = (("HF_TOKEN", source.token_secret_ref),) if source.token_secret_ref is not None else ()
    return PodSource(model_source, tuple(kwargs.items()), secret_env=secrets, mounts=mounts)
