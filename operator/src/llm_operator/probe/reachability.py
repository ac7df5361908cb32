"""Can this process reach Services at all? Outside of the cluster their names do not resolve: then nothing is asked."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

KNOWN_NAME: Final = "kubernetes.default.svc"
"""A Service of every cluster."""
_AGAIN_SECONDS: Final = 60.0
_LIMIT_SECONDS: Final = 5.0
_logger = logging.getLogger(__name__)


async def resolves(name: str = KNOWN_NAME) -> bool:
    """Whether the name has an address now."""
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            return bool(await asyncio.get_running_loop().getaddrinfo(name, 443))
    except (OSError, TimeoutError):
        return False


class Reachability:
    """Looked up before the first question, and again while names do not resolve."""

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        self._on_change = on_change
        self.inside: bool | None = None
        """None before the first look."""

    async def wait_inside(self) -> None:
        """Returns when Services' names resolve; says once in the log when they do not."""
        while not await resolves():
            if self.inside is not False:
                self.inside = False
                self._on_change(False)
                _logger.warning(
                    "%s does not resolve: this process runs outside of the cluster, so models are not asked whether they "
                    "answer, and Ready is what KubeRay and Ray Serve say",
                    KNOWN_NAME,
                )
            await asyncio.sleep(_AGAIN_SECONDS)
        if self.inside is not True:
            self.inside = True
            self._on_change(True)
