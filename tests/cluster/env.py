"""For tests and the demo: kubectl and helm against this cluster and no other."""

from __future__ import annotations

import json
import os
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final

import yaml

from cluster import names
from cluster.shell import ClusterError, run

KUBECONFIG: Final[Path] = names.kubeconfig()
CONTEXT: Final = names.CONTEXT
_READS: Final = 5
_WHOLE: Final = "-end-of-output-"


def guard() -> None:
    """Raise ClusterError unless the kubeconfig is the local cluster's: its only and current context, a local address."""
    if not KUBECONFIG.exists():
        raise ClusterError("there is no local cluster: make one with `make cluster`")
    config = yaml.safe_load(KUBECONFIG.read_text()) or {}
    contexts = [context["name"] for context in config.get("contexts") or []]
    servers = [entry["cluster"]["server"] for entry in config.get("clusters") or []]
    local = all(server.startswith("https://127.0.0.1:") for server in servers)
    if config.get("current-context") != CONTEXT or contexts != [CONTEXT] or not local:
        raise ClusterError(
            f"{KUBECONFIG} is not of the local cluster alone (contexts {contexts}, servers {servers}):"
            f" delete the file and run `make cluster`; nothing but {CONTEXT} on 127.0.0.1 is ever touched"
        )


def environment() -> dict[str, str]:
    """The caller's environment with KUBECONFIG set to this cluster and the cached tools first on PATH."""
    path = f"{names.cache_dir() / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "KUBECONFIG": str(KUBECONFIG), "PATH": path}


def kubectl(*args: str | Path, input: str | None = None, check: bool = True) -> str:
    """Run kubectl on the local cluster and return its standard output; raises ClusterError when it fails.

    With `check=False` a failure returns what was printed to standard output.
    """
    guard()
    command = [names.binary("kubectl"), f"--context={CONTEXT}", *args]
    return run(command, stdin=input, env=environment(), check=check).stdout


def try_kubectl(*args: str | Path, input: str | None = None) -> CompletedProcess[str]:
    """Run kubectl where a failure is an answer: exit code, standard output and standard error as they are."""
    guard()
    return run([names.binary("kubectl"), f"--context={CONTEXT}", *args], stdin=input, env=environment(), check=False)


def helm(*args: str | Path, input: str | None = None, check: bool = True) -> str:
    """Run helm on the local cluster, as `kubectl` does."""
    guard()
    command = [names.binary("helm"), f"--kube-context={CONTEXT}", *args]
    return run(command, stdin=input, env=environment(), check=check).stdout


def read_in_pod(namespace: str, pod: str, *command: str, container: str | None = None) -> str:
    """The whole standard output of a command in a pod; the command must only read: it is repeated if its output got lost.

    `kubectl exec` may end with exit code 0 and only a part of the output, or none, when its connection breaks
    (kubernetes/kubernetes issue 124571, pull request 137404), so the output is closed by a line that says that it is whole.
    Raises ClusterError when the command fails, or when its output was lost `_READS` times.
    """
    where = ["-n", namespace, pod, *(["-c", container] if container else [])]
    for _ in range(_READS):
        printed = kubectl("exec", *where, "--", "sh", "-c", f'"$@" && printf %s {_WHOLE}', "sh", *command)
        if printed.endswith(_WHOLE):
            return printed.removesuffix(_WHOLE)
    raise ClusterError(
        f"kubectl exec in pod {pod} lost the output of {command[0]} {_READS} times; last seen: {printed[-200:]!r}"
    )


def get(*args: str) -> dict[str, object] | None:
    """The object or list that `kubectl get ARGS -o json` prints; None when it does not exist."""
    printed = kubectl("get", *args, "-o", "json", "--ignore-not-found")
    document: dict[str, object] | None = json.loads(printed) if printed.strip() else None
    return document
