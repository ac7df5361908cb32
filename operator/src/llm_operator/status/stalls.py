"""Replicas that have requests and make no token: which pods to delete, within the hour's budget, and what to say. Pure.

The budget's memory is in the status (models[].stallRestarts), so it outlives the operator. A restart is written down before
it is made: a crash in between costs one of the budget, never one too many. Tests: tests/unit/status/test_stalls.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from llm_operator.outcome import PodDeletion
from llm_operator.plan.inputs import Scope, Stall
from llm_operator.plan.plan import ModelPlan, Plan, TokenProgressPlan
from llm_operator.status.serving import last_of

_HOUR: Final = timedelta(hours=1)
_CHART_VALUE: Final = "operator.restartStalled"


@dataclass(frozen=True, slots=True)
class StallRestarts:
    """What is to be done about one model's stalled replicas."""

    times: tuple[str, ...] = ()
    """Of status.models[].stallRestarts: those of the hour before the newest one."""
    deletions: tuple[PodDeletion, ...] = ()
    message: str = ""
    """"" when no replica is stalled."""


def _live(scope: Scope, model: str) -> tuple[Stall, ...]:
    """Those whose pod is there and not on its way out."""
    pods = {pod["metadata"].get("uid") for pod in scope.pods if "deletionTimestamp" not in pod["metadata"]}
    return tuple(stall for stall in scope.stalls if stall.model == model and stall.uid in pods)


def _past_hour(times: tuple[str, ...], now: str) -> tuple[str, ...]:
    since = datetime.fromisoformat(now) - _HOUR
    return tuple(time for time in times if datetime.fromisoformat(time) > since)


def _kept_from(stall: Stall, scope: Scope, policy: TokenProgressPlan, used: int) -> str | None:
    """Why its pod is not deleted; None when it is."""
    if not policy.restart:
        return "only reported, as health.tokenProgress.action says"
    if scope.parent["spec"].get("paused"):
        return "not restarted: spec.paused is true"
    if not scope.policy.restart_stalled:
        return f"not restarted: the operator may not delete pods (chart value {_CHART_VALUE})"
    if not stall.alone:
        return "not restarted: another replica lives in that pod"
    if used >= policy.max_restarts_per_hour:
        return f"not restarted: {used} of {policy.max_restarts_per_hour} restarts an hour are used up"
    return None


def stall_restarts(scope: Scope, model: ModelPlan) -> StallRestarts:
    """Without stalled replicas the times stay as they are: nothing in the status ticks."""
    name, policy = model.serving.model_id, model.progress
    written = tuple(last_of(scope, name, "models").get("stallRestarts") or ())
    stalls = _live(scope, name)
    if policy is None or not stalls:
        return StallRestarts(times=written)
    times, deletions, said = written, [], []
    counted = written.count(scope.now)  # by an earlier pass of the same look, which wrote the status
    for stall in stalls:
        kept_from = _kept_from(stall, scope, policy, len(_past_hour(times, scope.now)) - counted)
        if kept_from is None:
            times = _past_hour(times, scope.now) if counted else (*_past_hour(times, scope.now), scope.now)
            counted = max(0, counted - 1)
            deletions.append(PodDeletion(stall.pod, stall.uid))
            kept_from = "its pod is deleted, so that Ray Serve starts it anew"
        said.append(f"the replica in pod {stall.pod}: {kept_from}")
    message = f'model "{name}": requests run and no token was made for {policy.stall_seconds} s in '
    return StallRestarts(times, tuple(deletions), message + "; ".join(said))


def _all(scope: Scope, plan: Plan) -> Iterator[StallRestarts]:
    yield from (stall_restarts(scope, model) for model in plan.models)


def deletions(scope: Scope, plan: Plan) -> tuple[PodDeletion, ...]:
    """Pods of all models to delete now."""
    return tuple(deletion for found in _all(scope, plan) for deletion in found.deletions)


def problem(scope: Scope, plan: Plan) -> str:
    """What Degraded says; "" when nothing is stalled."""
    return "; ".join(found.message for found in _all(scope, plan) if found.message)
