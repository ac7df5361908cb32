"""A RayService's status, read once into typed values. An empty map of applications means unknown, never "none"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_operator.api.conditions import Status
from llm_operator.plan.inputs import Object
from llm_operator.render.serve_config import engine_deployment

# Ray 2.60.0, serve/_private/common.py: a deployment that serves is in one of these.
_SERVING_DEPLOYMENT = frozenset({"HEALTHY", "UPSCALING", "DOWNSCALING"})


@dataclass(frozen=True, slots=True)
class Application:
    """One Serve application as KubeRay copied it from Serve's REST API."""

    status: str
    message: str
    engine_status: str
    engine_message: str

    @property
    def ready(self) -> Status:
        """True only while the application runs and its engine's deployment serves."""
        if self.status == "":
            return Status.UNKNOWN
        return Status.TRUE if self.status == "RUNNING" and self.engine_status in _SERVING_DEPLOYMENT else Status.FALSE

    @property
    def state(self) -> str:
        """`RUNNING/HEALTHY`; `Unknown` when Serve has not said."""
        if self.status == "":
            return "Unknown"
        return f"{self.status}/{self.engine_status}" if self.engine_status else self.status

    @property
    def failed(self) -> bool:
        """Serve has given up: nothing but a change of the configuration makes it try again."""
        return self.status == "DEPLOY_FAILED"

    @property
    def unhealthy(self) -> bool:
        """It has served, and its replicas fail their health checks now."""
        return "UNHEALTHY" in (self.status, self.engine_status)

    @property
    def text(self) -> str:
        """What Serve says when all is not well: the engine's words first."""
        return "" if self.ready is Status.TRUE else (self.engine_message or self.message)


UNKNOWN = Application(status="", message="", engine_status="", engine_message="")


@dataclass(frozen=True, slots=True)
class Observed:
    """The child as far as it is known."""

    exists: bool
    generation: int
    settled: bool
    """KubeRay has seen the newest generation. It never says so for a spec that it refuses."""
    ready: bool
    ready_reason: str
    ready_message: str
    upgrading: bool
    active_cluster: str
    pending_cluster: str
    applications: Mapping[str, Application]
    pending_applications: Mapping[str, Application]

    def application(self, model_id: str) -> Application:
        """The application that serves a model, of the active cluster; UNKNOWN when Serve has not answered."""
        return self.applications.get(model_id, UNKNOWN)


def _application(model_id: str, raw: Mapping[str, Any]) -> Application:
    engine = (raw.get("serveDeploymentStatuses") or {}).get(engine_deployment(model_id), {})
    return Application(
        status=str(raw.get("status", "")),
        message=str(raw.get("message", "")),
        engine_status=str(engine.get("status", "")),
        engine_message=str(engine.get("message", "")),
    )


def _applications(side: Mapping[str, Any]) -> dict[str, Application]:
    return {name: _application(name, raw) for name, raw in (side.get("applicationStatuses") or {}).items()}


def observe(child: Object | None) -> Observed:
    """Total: whatever the object holds, an Observed comes out."""
    status: Mapping[str, Any] = (child or {}).get("status") or {}
    conditions = {entry.get("type"): entry for entry in status.get("conditions") or ()}
    ready = conditions.get("Ready", {})
    active = status.get("activeServiceStatus") or {}
    pending = status.get("pendingServiceStatus") or {}
    generation = int((child or {}).get("metadata", {}).get("generation", 0))
    return Observed(
        exists=child is not None,
        generation=generation,
        settled=int(status.get("observedGeneration") or 0) >= generation,
        ready=ready.get("status") == "True",
        ready_reason=str(ready.get("reason", "")),
        ready_message=str(ready.get("message", "")),
        upgrading=conditions.get("UpgradeInProgress", {}).get("status") == "True",
        active_cluster=str(active.get("rayClusterName", "")),
        pending_cluster=str(pending.get("rayClusterName", "")),
        applications=_applications(active),
        pending_applications=_applications(pending),
    )
