"""One function per condition; each takes the Facts and says one thing."""

from dataclasses import dataclass
from typing import Any

from llm_operator.api.conditions import Condition, ConditionType, Reason, Status
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import FastPath
from llm_operator.status.diagnosis import Cause
from llm_operator.status.observed import Observed


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
    foreign: bool
    """A RayService of this name belongs to somebody else."""
    pruned: tuple[str, ...]
    """Paths that were applied and are not in the live object: KubeRay is older than they are."""

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
        """KubeRay has endpoints and Serve runs every model and application."""
        return self.observed.ready and bool(self.served) and all(each["ready"] == Status.TRUE for each in self.served)

    @property
    def blocked(self) -> Condition | None:
        """What keeps the wanted state from being applied, whatever happens in the cluster."""
        rendered = self.rendered()
        if not self.accepted().is_true:
            return self.accepted()
        return rendered if rendered.status is Status.FALSE and rendered.reason is not Reason.APPLY_PENDING else None

    def accepted(self) -> Condition:
        """Is the spec right?"""
        if self.invalid is None:
            return Condition(ConditionType.ACCEPTED, Status.TRUE, Reason.VALID)
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
        if self.foreign:
            name = self.scope.name
            return Condition(
                kind,
                false,
                Reason.NAME_CONFLICT,
                f'RayService "{name}" belongs to somebody else: rename this object or remove it',
            )
        if self.scope.apply_error is not None:
            return Condition(
                kind, false, Reason.APPLY_REJECTED, f"the API server refuses the RayService: {self.scope.apply_error}"
            )
        if self.spec is not None and self.spec.paused:
            note = "changes wait until spec.paused is false" if self.apply_pending else ""
            return Condition(kind, Status.FALSE if self.apply_pending else Status.TRUE, Reason.PAUSED, note)
        if self.suspended:
            return Condition(kind, Status.TRUE, Reason.SUSPENDED)
        if self.apply_pending:
            return Condition(kind, false, Reason.APPLY_PENDING, "the RayService is being applied")
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
        said = "; ".join(f"{each['name']}: {each['message'] or each['state']}" for each in waiting)
        if waiting and all(each["ready"] == Status.UNKNOWN for each in waiting) and self.observed.ready:
            return Condition(
                kind, Status.UNKNOWN, Reason.STATUS_UNKNOWN, "Ray Serve has not said how its applications are"
            )
        if not waiting:
            return Condition(kind, Status.FALSE, Reason.NO_ENDPOINTS, f"KubeRay: {self.observed.ready_message}")
        if not any(each["state"] != "Unknown" for each in waiting):
            return Condition(kind, Status.FALSE, Reason.CREATING, "the Ray cluster is starting")
        return Condition(kind, Status.FALSE, Reason.DEPLOYING, said)

    def progressing(self) -> Condition:
        """Is something on its way to the wanted state?"""
        kind = ConditionType.PROGRESSING
        if self.blocked is not None or self.suspended:
            return Condition(kind, Status.FALSE, Reason.AS_EXPECTED)
        if self.observed.pending_cluster and self.observed.active_cluster:
            note = f"Ray cluster {self.observed.pending_cluster} takes over from {self.observed.active_cluster} when it serves"
            return Condition(kind, Status.TRUE, Reason.UPGRADING, note)
        ready = self.ready()
        if ready.is_true and not self.observed.settled:
            return Condition(kind, Status.TRUE, Reason.DEPLOYING, _NOT_TAKEN_UP)
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
        if self.cause is not None and not self.suspended:
            return Condition(kind, Status.TRUE, self.cause.reason, self.cause.message)
        if (blocked := self.blocked) is not None and blocked.reason is not Reason.PAUSED:
            return Condition(kind, Status.TRUE, blocked.reason, blocked.message)
        return Condition(kind, Status.FALSE, Reason.AS_EXPECTED)

    def fast_path(self) -> Condition:
        """Do requests reach the engine without passing Ray Serve's OpenAI ingress?"""
        kind = ConditionType.FAST_PATH
        if self.path is None:
            return Condition(kind, Status.UNKNOWN, Reason.INVALID_SPEC, "see condition Accepted")
        status = Status.TRUE if self.path.enabled else Status.FALSE
        return Condition(kind, status, self.path.reason, self.path.message)

    def kstatus(self) -> tuple[Condition, ...]:
        """Reconciling or Stalled, present only while True (kstatus: kubectl, Flux, Argo CD)."""
        if self.blocked is not None and self.blocked.reason is not Reason.PAUSED:
            return (Condition(ConditionType.STALLED, Status.TRUE, self.blocked.reason, self.blocked.message),)
        if self.cause is not None and self.cause.reason in _STUCK and not self.suspended:
            return (Condition(ConditionType.STALLED, Status.TRUE, self.cause.reason, self.cause.message),)
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


_NOT_TAKEN_UP = "KubeRay has not taken up the newest RayService yet"
# Causes that do not go away by waiting.
_STUCK = frozenset({Reason.DEPLOY_FAILED, Reason.KUBERAY_REJECTED, Reason.INITIALIZING_TIMEOUT})
