"""Sources, environment, caches."""

import re
from collections.abc import Iterator
from typing import Final

from llm_operator.api.checks.names import duplicates
from llm_operator.api.errors import FieldError
from llm_operator.api.rules import source as rules
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.source import S3, CacheVolume, EnvVar

_OWNED_ENV: Final = re.compile(
    r"^(RAY_|RAYLLM_|KUBERAY_|PYTHON|LD_|KUBERNETES_)|^(HF_TOKEN|HUGGING_FACE_HUB_TOKEN|PATH|HOME|VLLM_API_KEY)$"
)
# vLLM 0.29 (entrypoints/launchers/api_server/routers.py, serve/lora/api_router.py): they open /collective_rpc, /sleep,
# /update_weights, /v1/load_lora_adapter, … to everybody who reaches the Service on the fast path.
_OPENS_ENDPOINTS: Final = ("VLLM_SERVER_DEV_MODE", "VLLM_ALLOW_RUNTIME_LORA_UPDATING")


def _env_error(env: EnvVar) -> str | None:
    if _OWNED_ENV.search(env.name):
        return f"{env.name} is set by the operator or by Ray: remove it (a hub token goes to source.tokenSecretRef)"
    if env.name in _OPENS_ENDPOINTS:
        return f"{env.name} opens endpoints that change the engine, without authentication: remove it"
    if (env.value is None) == (env.secret_key_ref is None):
        return rules.ENV_ONE_SOURCE.message
    return None


def check_env(path: str, env: tuple[EnvVar, ...]) -> Iterator[FieldError]:
    """`path`: of the list. Owned and doubled names, and entries without exactly one source."""
    for i, variable in enumerate(env):
        if (message := _env_error(variable)) is not None:
            yield FieldError(f"{path}[{i}]", message)
    yield from duplicates([(f"{path}[{i}].name", variable.name) for i, variable in enumerate(env)], "the variable")


def _s3(path: str, s3: S3) -> Iterator[FieldError]:
    if (s3.access_key_id_secret_ref is None) != (s3.secret_access_key_secret_ref is None):
        yield FieldError(path, rules.S3_KEY_PAIR.message)
    elif s3.access_key_id_secret_ref is None:
        if s3.session_token_secret_ref is not None:
            yield FieldError(f"{path}.sessionTokenSecretRef", rules.S3_SESSION_TOKEN.message)
        elif s3.endpoint is None and s3.region is None:
            yield FieldError(path, rules.S3_NOT_EMPTY.message)


def _access(path: str, model: Model) -> Iterator[FieldError]:
    """Access blocks that nothing would use, and a source that cannot be streamed."""
    source = model.source
    used = source.uri.partition("://")[0], (model.lora.root if model.lora is not None else "").partition("://")[0]
    for block, schemes, rule in (
        (source.s3, {"s3"}, rules.S3_USED),
        (source.gcs, {"gs"}, rules.GCS_USED),
        (source.azure, {"azure", "abfss"}, rules.AZURE_USED),
    ):
        if block is not None and not schemes.intersection(used):
            yield FieldError(f"{path}{rule.field_path}", rule.message)
    if source.s3 is not None:
        yield from _s3(f"{path}.source.s3", source.s3)
    if source.streaming is not None:
        if used[0] not in ("s3", "gs"):
            yield FieldError(f"{path}.source.streaming", rules.STREAMING_ONLY_BUCKET.message)
        elif source.streaming.sharded and used[0] != "s3":
            yield FieldError(f"{path}.source.streaming.sharded", rules.SHARDED_ONLY_S3.message)


def _caches(path: str, model: Model) -> Iterator[tuple[str, CacheVolume]]:
    for name, volume in (("weights", model.cache.weights), ("compiled", model.cache.compiled)):
        if volume is not None:
            yield f"{path}.cache.{name}", volume


def _cache(path: str, model: Model) -> Iterator[FieldError]:
    for here, volume in _caches(path, model):
        if sum(kind is not None for kind in (volume.pvc, volume.empty_dir, volume.host_path)) != 1:
            yield FieldError(here, rules.ONE_VOLUME.message)
    source, speculative = model.source, model.engine.speculative
    downloads = source.uri.startswith("hf://") or (
        source.streaming is None and not source.uri.startswith(("pvc://", "file://"))
    )
    draft = speculative is not None and (speculative.model or "").startswith("hf://")
    if model.cache.weights is not None and not downloads and not draft:
        yield FieldError(f"{path}.cache.weights", rules.WEIGHTS_CACHE_USED.message)


def needs_host_path(path: str, model: Model) -> Iterator[FieldError]:
    """Caches on folders of the node: errors where the administrator does not allow them."""
    for here, volume in _caches(path, model):
        if volume.host_path is not None:
            yield FieldError(
                f"{here}.hostPath",
                "is not allowed in this cluster: use pvc or emptyDir, or ask the operator's administrator to set "
                "LLM_OPERATOR_ALLOW_HOST_PATH (chart value operator.allowHostPath)",
            )


def check(path: str, model: Model) -> Iterator[FieldError]:
    """One model's source, caches and environment."""
    source = model.source
    if not source.uri.startswith("hf://"):
        if source.revision is not None:
            yield FieldError(f"{path}.source.revision", rules.HF_ONLY_REVISION.message)
        if source.token_secret_ref is not None:
            yield FieldError(f"{path}.source.tokenSecretRef", rules.HF_ONLY_TOKEN.message)
    yield from _access(path, model)
    yield from _cache(path, model)
    yield from check_env(f"{path}.engine.env", model.engine.env)
