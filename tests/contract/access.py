"""How processes of a test find each other: ports for servers that listen later, or again, and kubeconfigs."""

import itertools
import random
import socket
from typing import Any, Final

# Below the range that Linux gives to clients (ip_local_port_range, 32768 on): nobody's connection takes one meanwhile.
_FIRST: Final = 10_000
_LAST: Final = 29_999
_START: Final = random.randint(_FIRST, _LAST)
_PORTS: Final = itertools.cycle((*range(_START, _LAST + 1), *range(_FIRST, _START)))


def free_port() -> int:
    """A TCP port that nobody listens on, another one at each call."""
    while True:
        port: int = next(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


def kubeconfig(url: str, token: str) -> dict[str, Any]:
    """Of a fake API server; the token is the user's name there."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        "clusters": [{"name": "fake", "cluster": {"server": url}}],
        "users": [{"name": "fake", "user": {"token": token}}],
    }
