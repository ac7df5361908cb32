"""A local port to a Service or pod of the local cluster, by a `kubectl port-forward` child process."""

from __future__ import annotations

import re
import selectors
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cluster import env, names
from cluster.shell import ClusterError

START_SECONDS: Final = 30.0
_LISTENS: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


@contextmanager
def port_forward(namespace: str, target: str, port: int) -> Iterator[str]:
    """`http://127.0.0.1:PORT` of a free local port, open while the context is; target as kubectl names it: `svc/x`.

    kubectl binds one pod of a Service at the start: when that pod goes, the port answers no more. Raises ClusterError
    with kubectl's own words when it does not listen within START_SECONDS.
    """
    env.guard()
    command = [str(names.binary("kubectl")), f"--context={names.CONTEXT}", "-n", namespace, "port-forward",
               "--address=127.0.0.1", target, f":{port}"]  # fmt: skip
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=env.environment(),
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{_local_port(child, target)}"
    finally:
        child.terminate()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _local_port(child: subprocess.Popen[str], target: str) -> int:
    assert child.stdout is not None
    selector = selectors.DefaultSelector()
    selector.register(child.stdout, selectors.EVENT_READ)
    limit, said = time.monotonic() + START_SECONDS, ""
    while (left := limit - time.monotonic()) > 0:
        if not selector.select(left):
            break
        line = child.stdout.readline()
        if found := _LISTENS.search(line):
            return int(found.group(1))
        said += line
        if not line:
            break
    raise ClusterError(f"kubectl port-forward {target} does not listen: {said.strip() or 'it says nothing'}")
