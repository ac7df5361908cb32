"""A Redis for tests: the real one, from Debian's packages, in a container beside the nodes.

It asks for a password and is reached by its address on Docker's network: pods of every node use the same. What it keeps goes when the
context ends.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cluster import images, names
from cluster.engine import docker
from cluster.shell import ClusterError, wait_for
from cluster.source import choose

_PORT: Final = 6379
_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Redis:
    """A running server. `address` is HOST:PORT as pods see it."""

    container: str
    address: str
    password: str = field(repr=False)

    def call(self, *words: str) -> str:
        """What `redis-cli` prints; raises ClusterError when the server does not run."""
        return docker("exec", "--env", f"REDISCLI_AUTH={self.password}", self.container, "redis-cli", *words)

    def keys(self) -> list[str]:
        """All keys."""
        return self.call("--raw", "keys", "*").split()

    def pause(self) -> None:
        """It answers nobody, as behind a cut network."""
        docker("pause", self.container)

    def resume(self) -> None:
        """It answers again, with all that it had."""
        docker("unpause", self.container)

    def _answers(self) -> bool:
        try:
            return self.call("ping") == "PONG"
        except ClusterError:
            return False


@contextmanager
def server() -> Iterator[Redis]:
    """An empty server, for as long as the context lasts; the first time, its image is built."""
    name, password = f"{names.CLUSTER}-redis-{secrets.token_hex(3)}", secrets.token_hex(16)
    try:
        docker(
            "run", "--detach", "--name", name, "--label", names.REDIS_LABEL, "--network", names.NETWORK,
            images.build("redis", choose()), "--requirepass", password,
        )  # fmt: skip
        address = docker(
            "inspect", "--format", f'{{{{(index .NetworkSettings.Networks "{names.NETWORK}").IPAddress}}}}', name
        )
        made = Redis(name, f"{address}:{_PORT}", password)
        wait_for("Redis answers", made._answers, seconds=_START_SECONDS, hint=f"See `docker logs {name}`.")
        yield made
    finally:
        docker("unpause", name, check=False)
        docker("rm", "--force", "--volumes", name, check=False)
