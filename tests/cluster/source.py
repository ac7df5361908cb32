"""Decides where images come from: pulled from registries, or built here from Go modules and Debian packages."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final

from cluster.shell import ClusterError, say

# Docker Hub holds kindest/node, Debian and Ray; Quay holds KubeRay.
REGISTRIES: Final = ("https://registry-1.docker.io/v2/", "https://quay.io/v2/")
PROBE_SECONDS: Final = 5.0


class Source(StrEnum):
    """Where the node, KubeRay and base images come from."""

    PULL = "pull"
    BUILD = "build"


def answers(url: str) -> bool:
    """Whether a registry answers within PROBE_SECONDS: 200, or 401 as registries do before they know a client."""
    try:
        with urllib.request.urlopen(url, timeout=PROBE_SECONDS) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError as refused:
        return refused.code == 401
    except (OSError, ValueError):
        return False


def choose(environ: Mapping[str, str] = os.environ, probe: Callable[[str], bool] = answers) -> Source:
    """SOURCE=pull or SOURCE=build as the environment says, else PULL if every registry answers, else BUILD.

    The registries are probed at the same time. Raises ClusterError for any other value of SOURCE.
    """
    if wanted := environ.get("SOURCE", ""):
        try:
            return Source(wanted)
        except ValueError as unknown:
            raise ClusterError(f"SOURCE={wanted}: say SOURCE=pull or SOURCE=build, or leave it out") from unknown
    with ThreadPoolExecutor(max_workers=len(REGISTRIES)) as pool:
        reachable = dict(zip(REGISTRIES, pool.map(probe, REGISTRIES), strict=True))
    missing = [url for url, there in reachable.items() if not there]
    if missing:
        say(f"no answer from {', '.join(missing)}: images are built here from Go modules and Debian packages")
    return Source.BUILD if missing else Source.PULL
