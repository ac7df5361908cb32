"""Waits for a condition of an LLMDeployment and tells each change of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cluster import env
from cluster.shell import ClusterError

HEARTBEAT_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class State:
    """One condition at one moment; `status` "" when the operator has not written it yet."""

    status: str
    reason: str
    message: str
    current: bool
    """It was said about the newest spec."""


def condition(deployment: dict[str, Any] | None, kind: str = "Ready") -> State:
    """A condition of an LLMDeployment as the API server gave it back; all empty when there is none."""
    body = deployment or {}
    entries = {entry["type"]: entry for entry in (body.get("status") or {}).get("conditions") or ()}
    found = entries.get(kind, {})
    generation = body.get("metadata", {}).get("generation")
    return State(
        status=found.get("status", ""),
        reason=found.get("reason", ""),
        message=found.get("message", ""),
        current=found.get("observedGeneration") == generation,
    )


def deployment(name: str, namespace: str) -> dict[str, Any] | None:
    """The LLMDeployment, or None."""
    found: dict[str, Any] | None = env.get("llmdeployments.llm-operator.io", name, "-n", namespace)
    return found


def wait_ready(name: str, namespace: str, *, seconds: float, tell: Callable[[str], None]) -> float:
    """Seconds until Ready=True for the newest spec, telling each change on the way; a look that fails is told and repeated.

    Raises ClusterError, with the last state and what to look at, after `seconds`, or when the spec is not accepted.
    """
    begin, last, told = time.monotonic(), None, time.monotonic()
    while True:
        found, state = _look(name, namespace)
        elapsed = time.monotonic() - begin
        if state != last:
            tell(_line(state))
            last, told = state, time.monotonic()
        elif time.monotonic() - told > HEARTBEAT_SECONDS:
            tell(f"... still Ready={state.status or 'not reported'} {state.reason} ({elapsed:.0f} s)")
            told = time.monotonic()
        if state.status == "True" and state.current:
            return elapsed
        accepted = condition(found, "Accepted")
        if accepted.status == "False" and accepted.current:
            raise ClusterError(f"{name} is not accepted: {accepted.message}")
        if elapsed > seconds:
            raise ClusterError(
                f"{name} is not Ready after {seconds:.0f} s: {_line(state)}\n{where_to_look(name, namespace)}"
            )
        time.sleep(_POLL_SECONDS)


def _look(name: str, namespace: str) -> tuple[dict[str, Any] | None, State]:
    """The LLMDeployment and its Ready condition; none, and why, when the API server does not say."""
    try:
        found = deployment(name, namespace)
    except ClusterError as error:
        return None, State(status="", reason="NotSeen", message=str(error), current=False)
    return found, condition(found)


def _line(state: State) -> str:
    if not state.status:
        return f"Ready: {state.message or 'the operator has not reported yet'}"
    return f"Ready={state.status} {state.reason}" + (f": {state.message}" if state.message else "")


def where_to_look(name: str, namespace: str) -> str:
    """What a person types to see what is wrong."""
    return (
        "  see: make cluster-status\n"
        f"       kubectl -n {namespace} describe llmd {name}\n"
        f"       kubectl -n {namespace} get pods\n"
        "       kubectl -n llm-operator-system logs deploy/llm-operator --tail=50"
    )
