"""One function per condition; each takes the Facts and says one thing."""

from dataclasses import dataclass
from typing import Any

from llm_operator.api.conditions import Condition, ConditionType, Reason, Status
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import FastPath
from llm_operator.plan.warnings import Warned, text
from llm_operator.status.diagnosis import Cause
from llm_operator.status.observed import Observed
from llm_operator.status.progress import NO_PROGRESS, Progress
from llm_operator.status.serving import ASLEEP, reason_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What all conditions are computed from."""

    scope: Scope
    observed: Observed
    spec: LLMDeploymentSpec | None
    """None when the spec is wrong: then `invalid` says why."""
    invalid: InvalidSpec | None
    path: FastPath | None
    """None when the spec is wrong."""
    models: tuple[dict[str, Any], ...]
    applications: tuple[dict[str, Any], ...]
    cause: Cause | None
    apply_pending: bool
    """The live RayService differs from what is wanted (before the apply, or while paused)."""
    conflict: tuple[Reason, str] | None
    """Why the RayService of this name is not ours; None when it is."""
    render_version: str
    """What the RayService was rendered as; empty when there is none."""
    render_upgrade: str | None
    """What people should know of a newer version of the rendering; None when there is none."""
    others_problem: tuple[Reason, str] | None
    """What keeps a further child from being as it should be: a refusal, or a namesake."""
    warnings: tuple[Warned, ...]
    """What the spec allows and the user should know."""
    pruned: tuple[str, ...]
    """Paths that were applied and are not in the live object: KubeRay is older than they are."""
    stalled: str = ""
    """Which replicas make no token, and what is done about it."""
    progress: Progress = NO_PROGRESS
    """How the change stands: held, failed, rolled back, tried again."""
    asleep: bool = False
    """No model wants or has a replica."""

    @property
    def foreign(self) -> bool:
        """A RayService of this name is not ours."""
        return self.conflict is not None

    settling: str = ""
    """What ends by itself in a moment although all is said to be as wanted."""

    @property
    def suspended(self) -> bool:
        """The user wants nothing to run; what runs goes on while paused."""
        return self.spec is not None and self.spec.suspend and not (self.spec.paused and self.observed.exists)

    @property
    def served(self) -> tuple[dict[str, Any], ...]:
        """Status entries of all models and applications."""
        return self.models + self.applications

    @property
    def all_ready(self) -> bool:
        """Every model and application is served; where nobody asks them, KubeRay has endpoints and Serve runs them."""
        reached = self.observed.ready or self.scope.probes is not None
        return reached and bool(self.served) and all(each["ready"] == Status.TRUE for each in self.served)

    @property
    def deployed(self) -> bool:
        """Serve itself says that everything runs as configured; what is served may still be on its way to that."""
        return all(self.observed.application(each["name"]).ready is Status.TRUE for each in self.served)

    @property
    def blocked(self) -> Condition | None:
        """What keeps the wanted state from being applied, whatever happens in the cluster."""
        rendered = self.rendered()
        if not self.accepted().is_true:
            return self.accepted()
        return rendered if rendered.status is Status.FALSE and rendered.reason is not Reason.APPLY_PENDING else None

    @property
    def waiting(self) -> Condition | None:
        """What keeps the wanted state from being applied, and ends by itself; as condition Progressing."""
        rendered = self.rendered()
        if rendered.status is not Status.FALSE or not self.accepted().is_true:
            return None
        if rendered.reason is Reason.APPLY_PENDING:
            return Condition(ConditionType.PROGRESSING, Status.TRUE, rendered.reason, rendered.message)
        if rendered.reason is Reason.CHANGE_HELD and self.progress.waits:
            return Condition(ConditionType.PROGRESSING, Status.TRUE, rendered.reason, self.progress.waits)
        return None

    @property
    def stuck(self) -> Condition | None:
        """What does not go on until somebody acts; as condition Stalled."""
        kind, blocked = ConditionType.STALLED, self.blocked
        if blocked is not None and blocked.reason is not Reason.PAUSED and self.waiting is None:
            return Condition(kind, Status.TRUE, blocked.reason, blocked.message)
        if self.suspended:
            return None
        if (failed := self.progress.given_up) is not None:
            return Condition(kind, Status.TRUE, *failed)
        if self.cause is not None and self.cause.reason in _STUCK and not self._being_applied:
            return Condition(kind, Status.TRUE, self.cause.reason, self.cause.message)
        return None

    @property
    def _being_applied(self) -> bool:
        """Whatever is wrong is of the RayService before."""
        return self.waiting is not None and self.waiting.reason is Reason.APPLY_PENDING

    def accepted(self) -> Condition:
        """Is the spec right?"""
        if self.invalid is None:
            return Condition(ConditionType.ACCEPTED, Status.TRUE, Reason.VALID, text(self.warnings))
        return Condition(ConditionType.ACCEPTED, Status.FALSE, Reason.INVALID_SPEC, str(self.invalid))

    def rendered(self) -> Condition:
        """Is the RayService as the spec wants it?"""
        kind, false = ConditionType.RENDERED, Status.FALSE
        if self.invalid is not None:
            note = "the last good spec stays applied" if self.observed.exists else "nothing is applied"
            return Condition(kind, false, Reason.INVALID_SPEC, note)
        if not self.scope.kuberay_installed:
            return Condition(
                kind,
                false,
                Reason.KUBERAY_NOT_INSTALLED,
                "the cluster has no ray.io/v1 RayService: install KubeRay 1.6 or newer",
            )
        if self.conflict is not None:
            return Condition(kind, false, *self.conflict)
        if self.scope.apply_error is not None:
            return Condition(
                kind, false, Reason.APPLY_REJECTED, f"the API server refuses the RayService: {self.scope.apply_error}"
            )
        paused = self.spec is not None and self.spec.paused
        if self.progress.held and not self.suspended and not (paused and self.progress.waits):
            return Condition(kind, false, Reason.CHANGE_HELD, self.progress.held)
        if paused:
            note = "changes wait until spec.paused is false" if self.apply_pending else ""
            return Condition(kind, Status.FALSE if self.apply_pending else Status.TRUE, Reason.PAUSED, note)
        if self.suspended:
            return Condition(kind, Status.TRUE, Reason.SUSPENDED)
        if self.apply_pending:
            return Condition(kind, false, Reason.APPLY_PENDING, "the RayService is being applied")
        if self.render_upgrade is not None:
            return Condition(kind, Status.TRUE, Reason.RENDER_UPGRADE_AVAILABLE, self.render_upgrade)
        return Condition(kind, Status.TRUE, Reason.APPLIED)

    def ready(self) -> Condition:
        """Do all models and applications answer?"""
        kind = ConditionType.READY
        if self.suspended:
            return Condition(kind, Status.FALSE, Reason.SUSPENDED, "spec.suspend is true: nothing runs")
        if not self.observed.exists:
            blocked = self.blocked
            reason = blocked.reason if blocked else Reason.CREATING
            return Condition(kind, Status.FALSE, reason, blocked.message if blocked else "the RayService is being made")
        if self.all_ready and self.asleep:
            return Condition(kind, Status.TRUE, Reason.SCALED_TO_ZERO, ASLEEP)
        if self.all_ready:
            return Condition(kind, Status.TRUE, Reason.SERVING)
        return self._not_ready(kind)

    def _not_ready(self, kind: ConditionType) -> Condition:
        if self.cause is not None:
            return Condition(kind, Status.FALSE, self.cause.reason, self.cause.message)
        if not self.served and (blocked := self.blocked) is not None:
            return Condition(kind, Status.FALSE, blocked.reason, blocked.message)
        if self.observed.active_cluster and not self.observed.settled:
            return Condition(kind, Status.FALSE, Reason.DEPLOYING, _NOT_TAKEN_UP)
        waiting = [each for each in self.served if each["ready"] != Status.TRUE]
        if (reason := reason_of(self.scope, self.observed, waiting)) is not None:
            return Condition(kind, Status.FALSE, reason, said_of(waiting))
        if waiting and all(each["ready"] == Status.UNKNOWN for each in waiting) and self.observed.ready:
            return Condition(
                kind, Status.UNKNOWN, Reason.STATUS_UNKNOWN, "Ray Serve has not said how its applications are"
            )
        if not waiting:
            return Condition(kind, Status.FALSE, Reason.NO_ENDPOINTS, f"KubeRay: {self.observed.ready_message}")
        if not any(each["state"] != "Unknown" for each in waiting):
            return Condition(kind, Status.FALSE, Reason.CREATING, "the Ray cluster is starting")
        return Condition(kind, Status.FALSE, Reason.DEPLOYING, said_of(waiting))

    @property
    def _takes_over(self) -> str:
        """How far the Ray cluster under preparation is."""
        old, new, moved = self.observed.active_cluster, self.observed.pending_cluster, self.observed.moved_percent
        if self.observed.moving_back:
            return f"requests move back to Ray cluster {old} step by step: {moved} % still go to {new}"
        if moved:
            return f"Ray cluster {new} takes over from {old} step by step: {moved} % of the requests go to it"
        return f"Ray cluster {new} takes over from {old} when it serves"

    def progressing(self) -> Condition:
        """Is something on its way to the wanted state?"""
        kind = ConditionType.PROGRESSING
        waiting = self.waiting
        if (self.blocked is not None and waiting is None) or self.suspended:
            return Condition(kind, Status.FALSE, Reason.AS_EXPECTED)
        if (failed := self.progress.given_up) is not None:
            return Condition(kind, Status.FALSE, *failed)
        if waiting is not None and self.stuck is None:
            return waiting
        if self.observed.pending_cluster and self.observed.active_cluster:
            return Condition(kind, Status.TRUE, Reason.UPGRADING, self._takes_over + self._no_room)
        if self.progress.retrying:
            reason = self.cause.reason if self.cause is not None else Reason.DEPLOY_FAILED
            return Condition(kind, Status.TRUE, reason, self.progress.retrying)
        ready = self.ready()
        if ready.is_true and not self.observed.settled:
            return Condition(kind, Status.TRUE, Reason.DEPLOYING, _NOT_TAKEN_UP)
        if ready.is_true and not self.deployed and self.observed.applications and self.cause is None:
            note = "requests are answered while Ray Serve brings its replicas to the newest configuration"
            return Condition(kind, Status.TRUE, Reason.DEPLOYING, note)
        if ready.is_true and self.settling:
            return Condition(kind, Status.TRUE, Reason.DEPLOYING, self.settling)
        if ready.is_true or (self.cause is not None and self.cause.reason in _STUCK):
            return Condition(kind, Status.FALSE, Reason.AS_EXPECTED)
        return Condition(kind, Status.TRUE, ready.reason, ready.message)

    def degraded(self) -> Condition:
        """Is something wrong that somebody should look at, even while requests are answered?"""
        kind = ConditionType.DEGRADED
        if self.pruned:
            paths = ", ".join(self.pruned[:5])
            return Condition(
                kind,
                Status.TRUE,
                Reason.FIELDS_PRUNED,
                f"KubeRay is too old, it dropped: {paths}; install 1.6 or newer",
            )
        if (failed := self.progress.failed_or_rolled_back) is not None and not self.suspended:
            return Condition(kind, Status.TRUE, *failed)
        if self.cause is not None and not self.suspended:
            return Condition(kind, Status.TRUE, self.cause.reason, self.cause.message)
        if (blocked := self.blocked) is not None and blocked.reason is not Reason.PAUSED and not self._soon:
            return Condition(kind, Status.TRUE, blocked.reason, blocked.message)
        if self.stalled and not self.suspended:
            return Condition(kind, Status.TRUE, Reason.TOKENS_STALLED, self.stalled)
        if self.others_problem is not None:
            return Condition(kind, Status.TRUE, *self.others_problem)
        return Condition(kind, Status.FALSE, Reason.AS_EXPECTED)

    @property
    def _soon(self) -> bool:
        """What is waited for is on its way; room for another Ray cluster may never come."""
        return self.waiting is not None and not (self.scope.room is not None and self.scope.room.lacking)

    @property
    def _no_room(self) -> str:
        """What to do while the scheduler finds no place for the new Ray cluster."""
        if self.cause is None or self.cause.reason is not Reason.UNSCHEDULABLE:
            return ""
        return (
            f"; {self.cause.message}; the old one serves meanwhile: make room, or set spec.rollout.strategy to Recreate or "
            "InPlace (planned downtime)"
        )

    def fast_path(self) -> Condition:
        """Do requests reach the engine without passing Ray Serve's OpenAI ingress?"""
        kind = ConditionType.FAST_PATH
        if self.path is None:
            return Condition(kind, Status.UNKNOWN, Reason.INVALID_SPEC, "see condition Accepted")
        status = Status.TRUE if self.path.enabled else Status.FALSE
        return Condition(kind, status, self.path.reason, self.path.message)

    def kstatus(self) -> tuple[Condition, ...]:
        """Reconciling or Stalled, present only while True (kstatus: kubectl, Flux, Argo CD)."""
        if (stuck := self.stuck) is not None:
            return (stuck,)
        progressing = self.progressing()
        if progressing.is_true:
            return (Condition(ConditionType.RECONCILING, Status.TRUE, progressing.reason, progressing.message),)
        return ()

    def conditions(self) -> tuple[Condition, ...]:
        """All of them, in a fixed order."""
        return (
            self.ready(),
            self.accepted(),
            self.rendered(),
            self.progressing(),
            self.degraded(),
            self.fast_path(),
            *self.kstatus(),
        )


def said_of(waiting: list[dict[str, Any]]) -> str:
    """Each with its message, or else its state."""
    return "; ".join(f"{each['name']}: {each['message'] or each['state']}" for each in waiting)


_NOT_TAKEN_UP = "KubeRay has not taken up the newest RayService yet"
# Causes that do not go away by waiting.
_STUCK = frozenset({Reason.KUBERAY_REJECTED, Reason.INITIALIZING_TIMEOUT})
