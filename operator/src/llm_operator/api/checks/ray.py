"""The Ray cluster, and what needs something inside its image."""

from collections.abc import Iterator
from typing import Final

from llm_operator.api.checks.lora import needs_image
from llm_operator.api.errors import FieldError
from llm_operator.api.rules import head
from llm_operator.api.rules import models as rules
from llm_operator.api.spec.deployment import DEFAULT_RAY_VERSION, LLMDeploymentSpec

OLDEST_RAY: Final = (2, 54, 0)  # CVE-2026-27482: below 2.54 an unauthenticated DELETE stops Serve.


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """Version and image."""
    version = tuple(int(part) for part in spec.ray.version.split("."))
    if version < OLDEST_RAY:
        yield FieldError("spec.ray.version", f"{spec.ray.version} has known security holes: use 2.54.0 or newer")
    if spec.ray.version != DEFAULT_RAY_VERSION and spec.ray.image is None:
        yield FieldError("spec.ray.image", rules.IMAGE_WITH_VERSION.message)
    if spec.ray.image is None:
        yield from needs_image(spec)
    tolerance = spec.ray.head.fault_tolerance
    if tolerance is not None and tolerance.redis.username is not None and tolerance.redis.password_secret_ref is None:
        yield FieldError("spec.ray.head.faultTolerance.redis.username", head.REDIS_USERNAME.message)
