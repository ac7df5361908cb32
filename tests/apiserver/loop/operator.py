"""The real operator as a process of its own at the real API server, alone: nobody else acts on its objects."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cluster import env, names
from contract.access import free_port
from e2e.kube import until

_OTHERS: Final = ((names.KUBERAY_NAMESPACE, "kuberay-operator"), (names.OPERATOR_NAMESPACE, "llm-operator"))
_SETTINGS: Final = {
    "LEADER_ELECTION": "false",
    "RESYNC_SECONDS": "5",
    "BACKOFF_MIN_SECONDS": "0.2",
    "BACKOFF_MAX_SECONDS": "1",
    "ALLOW_HOST_PATH": "true",
    "APPLICATION_IMPORT_PATHS": "shop",
}


@contextmanager
def alone() -> Iterator[None]:
    """KubeRay and an operator that is installed in the cluster sleep meanwhile: no RayCluster and no pod is made."""
    replicas = {other: _replicas(*other) for other in _OTHERS}
    try:
        for namespace, name in _OTHERS:
            _scale(namespace, name, 0)
        yield
    finally:
        for (namespace, name), count in replicas.items():
            _scale(namespace, name, count)


def _replicas(namespace: str, name: str) -> int:
    printed = env.kubectl(
        "get", "deployment", name, "-n", namespace, "-o", "jsonpath={.spec.replicas}", "--ignore-not-found"
    )
    return int(printed or 0)


def _scale(namespace: str, name: str, count: int) -> None:
    """Returns when as many pods run; nothing happens to a deployment that is not there."""
    if env.get("deployment", name, "-n", namespace) is None:
        return
    env.kubectl("scale", "deployment", name, "-n", namespace, f"--replicas={count}")
    path = "{.status.readyReplicas}" if count else "{.status.replicas}"
    wanted = {str(count)} if count else {"", "0"}

    def there() -> bool:
        return env.kubectl("get", "deployment", name, "-n", namespace, "-o", f"jsonpath={path}") in wanted

    until(f"{name} has {count} replicas", there, seconds=120)


class Operator:
    """One operator for one namespace, run by this checkout's code with the cluster's administrator as its user."""

    def __init__(self, namespace: str, folder: Path, **settings: str) -> None:
        self._port = free_port()
        given = {**_SETTINGS, "NAMESPACES": namespace, "HTTP_PORT": str(self._port), **settings}
        self.log = folder / "operator.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(env.KUBECONFIG),
            "PYTHONSAFEPATH": "1",
            **{f"LLM_OPERATOR_{name}": value for name, value in given.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it is ready to work."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "llm_operator", "run"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        until("the operator is ready", self._ready, seconds=60)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ends it."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(timeout=30)

    def metric(self, name: str) -> float:
        """Sum of the samples whose text begins so."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def resynced(self) -> None:
        """Returns after two whole re-syncs from now: whatever wants to be written was written."""
        counter = 'llm_operator_resyncs_total{result="ok"}'
        before = self.metric(counter)
        until("two re-syncs", lambda: self.metric(counter) >= before + 2, seconds=60)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
