"""Sources, environment, caches."""

import re
from collections.abc import Iterator
from typing import Final

from llm_operator.api.checks.names import duplicates
from llm_operator.api.errors import FieldError
from llm_operator.api.rules import source as rules
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.source import EnvVar

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


def check(path: str, model: Model) -> Iterator[FieldError]:
    """One model's source."""
    source = model.source
    if not source.uri.startswith("hf://"):
        if source.revision is not None:
            yield FieldError(f"{path}.source.revision", rules.HF_ONLY_REVISION.message)
        if source.token_secret_ref is not None:
            yield FieldError(f"{path}.source.tokenSecretRef", rules.HF_ONLY_TOKEN.message)
    yield from check_env(f"{path}.engine.env", model.engine.env)
