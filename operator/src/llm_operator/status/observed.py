"""A RayService's status, read once into typed values. An empty map of applications means unknown, never "none"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_operator.api.conditions import Status
from llm_operator.plan.deployments import is_engine
from llm_operator.plan.inputs import Object
from llm_operator.status.serve_message import readable

# Ray 2.60.0, serve/_private/common.py: a deployment that serves is in one of these.
_SERVING_DEPLOYMENT = frozenset({"HEALTHY", "UPSCALING", "DOWNSCALING"})
_STEPS = ("targetCapacity", "trafficRoutedPercent")


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
    def said(self) -> str:
        """What Serve says, whole and as it came: the engine's words first."""
        return self.engine_message or self.message

    @property
    def text(self) -> str:
        """The same for people, when all is not well."""
        return "" if self.ready is Status.TRUE else readable(self.said)


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
    endpoints: int = 0
    """Ready pods behind the Service of requests."""
    moved_percent: int = 0
    """Of the requests, those that go to the pending cluster already (strategy Incremental)."""
    moving_back: bool = False
    """All requests go back to the active cluster, since the newest spec is not the pending one's (strategy Incremental)."""
    stepwise: bool = False
    """KubeRay counts capacity and traffic per Ray cluster: its feature gate RayServiceIncrementalUpgrade is on (1.6.2, controllers/ray/
    rayservice_controller.go, calculateStatus: set as soon as a Ray cluster has a name, and never without the gate)."""

    def application(self, model_id: str) -> Application:
        """The application that serves a model, of the active cluster; UNKNOWN when Serve has not answered."""
        return self.applications.get(model_id, UNKNOWN)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _worst(deployments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The engine deployment that serves least: with prefill and decode apart, both are needed. A custom application has
    no engine: then all its deployments are looked at."""
    engines = [_map(raw) for name, raw in sorted(deployments.items()) if is_engine(name)]
    found = engines or [_map(raw) for _, raw in sorted(deployments.items())]
    bad = [raw for raw in found if _text(raw.get("status")) not in _SERVING_DEPLOYMENT]
    return next(iter(bad or found), {})


def _application(raw: Mapping[str, Any]) -> Application:
    engine = _worst(_map(raw.get("serveDeploymentStatuses")))
    return Application(
        status=_text(raw.get("status")),
        message=_text(raw.get("message")),
        engine_status=_text(engine.get("status")),
        engine_message=_text(engine.get("message")),
    )


def _applications(side: Mapping[str, Any]) -> dict[str, Application]:
    return {name: _application(_map(raw)) for name, raw in _map(side.get("applicationStatuses")).items()}


def observe(child: Object | None) -> Observed:
    """Total: whatever the object holds, an Observed comes out."""
    status = _map((child or {}).get("status"))
    conditions = {_text(_map(entry).get("type")): _map(entry) for entry in _list(status.get("conditions"))}
    ready = conditions.get("Ready", {})
    active, pending = _map(status.get("activeServiceStatus")), _map(status.get("pendingServiceStatus"))
    generation = _number(_map((child or {}).get("metadata")).get("generation"))
    return Observed(
        exists=child is not None,
        generation=generation,
        settled=_number(status.get("observedGeneration")) >= generation,
        ready=ready.get("status") == "True",
        ready_reason=_text(ready.get("reason")),
        ready_message=_text(ready.get("message")),
        upgrading=conditions.get("UpgradeInProgress", {}).get("status") == "True",
        active_cluster=_text(active.get("rayClusterName")),
        pending_cluster=_text(pending.get("rayClusterName")),
        applications=_applications(active),
        pending_applications=_applications(pending),
        endpoints=_number(status.get("numServeEndpoints")),
        moved_percent=_number(pending.get("trafficRoutedPercent")),
        moving_back=conditions.get("RollbackInProgress", {}).get("status") == "True",
        stepwise=any(side.get(key) is not None for side in (active, pending) for key in _STEPS),
    )
