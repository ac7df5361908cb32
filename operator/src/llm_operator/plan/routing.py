"""Which replica gets a request → Ray's RequestRouterConfig."""

from typing import Any

from llm_operator.api.spec.serving import Routing


def router(routing: Routing) -> dict[str, Any]:
    """Keyword arguments of Ray's RequestRouterConfig; {} for Ray's own choice."""
    return {}
