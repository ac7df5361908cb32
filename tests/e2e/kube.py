"""What the end-to-end tests ask the API server, in the words of a user: kubectl."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from cluster import env, names
from cluster.shell import ClusterError

Object = dict[str, Any]
Found = TypeVar("Found")

NAMESPACE: Final = names.MODELS_NAMESPACE
LLM: Final = "llmdeployments.llm-operator.io"
RAY_SERVICE: Final = "rayservices.ray.io"
RAY_CLUSTER: Final = "rayclusters.ray.io"
_POLL_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 5.0


def apply(document: Object) -> None:
    """`kubectl apply`. Raises ClusterError with what the API server said."""
    env.kubectl("apply", "-f", "-", input=json.dumps(document))


def refusal(document: Object) -> str:
    """What `kubectl apply` prints when the API server refuses the object; the test fails when it does not."""
    done = env.try_kubectl("apply", "-f", "-", input=json.dumps(document))
    assert done.returncode != 0, f"was accepted: {done.stdout}"
    return done.stderr.strip()


def patch(kind: str, name: str, *operations: Object, namespace: str = NAMESPACE) -> None:
    """A JSON patch, as a person who edits an object."""
    env.kubectl("patch", kind, name, "-n", namespace, "--type=json", "-p", json.dumps(operations))


def get(kind: str, name: str, namespace: str = NAMESPACE) -> Object | None:
    """The object, or None."""
    return env.get(kind, name, "-n", namespace)


def existing(kind: str, name: str, namespace: str = NAMESPACE) -> Object:
    """The object, which must be there."""
    found = get(kind, name, namespace)
    assert found is not None, f"{kind} {name} is not there"
    return found


def items(kind: str, selector: str = "", namespace: str = NAMESPACE) -> list[Object]:
    """All objects of a kind."""
    found: Any = env.get(kind, "-n", namespace, "-l", selector)
    return list(found["items"]) if found else []


def delete(kind: str, name: str, namespace: str = NAMESPACE) -> None:
    """Ask for the deletion and do not wait for it."""
    env.kubectl("delete", kind, name, "-n", namespace, "--wait=false", "--ignore-not-found")


def children(name: str) -> list[str]:
    """`kind/name` of everything that belongs to one LLMDeployment besides itself."""
    printed = env.kubectl(
        "get", f"{RAY_SERVICE},{RAY_CLUSTER},pods,services", "-n", NAMESPACE, "-o", "name", check=False
    )
    return sorted(line for line in printed.splitlines() if line.split("/")[1].startswith(name))


def pods(name: str) -> dict[str, tuple[str, int]]:
    """Ray pods of one LLMDeployment: name → uid and container restarts, those on their way out left out."""
    return {
        pod["metadata"]["name"]: (
            pod["metadata"]["uid"],
            sum(status["restartCount"] for status in pod.get("status", {}).get("containerStatuses", ())),
        )
        for pod in items("pods", f"llm-operator.io/deployment={name}")
        if "deletionTimestamp" not in pod["metadata"]
    }


def events(name: str) -> list[Object]:
    """Events about one LLMDeployment."""
    found: Any = env.get("events.events.k8s.io", "-n", NAMESPACE)
    return [
        event
        for event in (found["items"] if found else [])
        if event["regarding"]["name"] == name and event["regarding"]["kind"] == "LLMDeployment"
    ]


def until(what: str, probe: Callable[[], Found | None], *, seconds: float) -> Found:
    """Polls until `probe` gives something true and returns that; the test fails after `seconds`, saying `what`.

    A probe that raises ClusterError could not look this time (a busy API server, a connection that broke): it looks again.
    Between two looks there is twice the time that a look takes (5 s at most): looking, by a process in a pod say, must not keep the machine busy.
    """
    limit = time.monotonic() + seconds
    while True:
        begin = time.monotonic()
        seen: Found | ClusterError | None
        try:
            seen = probe()
        except ClusterError as error:
            seen = error
        else:
            if seen:
                return seen
        now = time.monotonic()
        if now > limit:
            raise ClusterError(f"{what}: not so after {seconds:.0f} s; last seen: {seen!r}")
        time.sleep(max(_POLL_SECONDS, min(2 * (now - begin), _LONGEST_PAUSE_SECONDS)))
