"""The head takes requests while another Ray cluster takes over, and while replicas restart one after the other.

KubeRay points the Service at the new Ray cluster as soon as Serve says that all runs (1.6.2, controllers/ray/rayservice_controller.go,
reconcileServicesToReadyCluster). A worker's proxy is healthy only from then on, since it wants a running replica, and its pod Ready up
to 5 s later (common/pod.go, ServeReadinessProbe): for seconds the Service has no endpoint, and refuses. Replicas that restart leave the
same gap: the next one goes as soon as the one before runs again, before its pod is Ready. The head's proxy is always healthy (Ray
2.60.0, serve/_private/proxy_router.py, ready_for_traffic), so it is an endpoint too until the workers are.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from llm_operator.api.change_class import ChangeClass
from llm_operator.api.way import Way
from llm_operator.change.model import Change
from llm_operator.plan.inputs import Scope
from llm_operator.render.sticky import HEAD_EXCLUDED, Sticky
from llm_operator.rollout.clock import later, moment, until
from llm_operator.rollout.pending import serves
from llm_operator.status.change_record import last, recorded, unfinished
from llm_operator.status.observed import Observed, observe

AT_ONCE_SECONDS: Final = 1.0
"""After the status that this look writes."""
_WITH_A_WORKER: Final = 2
"""Endpoints of the Service: the head, and one more."""
_HANDOVER_SECONDS: Final = 30
"""A worker that has a replica is an endpoint long before."""


def begun(scope: Scope, rayservice: dict[str, Any], change: Change, way: Way) -> dict[str, Any]:
    """As it is applied when a new Ray cluster is to take over from one that serves, all at once, or replicas are to restart. Where
    somebody edited the RayService, and the Ray cluster that serves is the wanted one still, none takes over."""
    observed = observe(scope.child)
    restarts = way is Way.IN_PLACE and change.change_class is ChangeClass.REPLICA_RESTART
    switches = way is Way.NEW_CLUSTER and not serves(scope, observed, rayservice)
    if not observed.active_cluster or not (restarts or switches):
        return rayservice
    return {**rayservice, "spec": {**rayservice["spec"], HEAD_EXCLUDED: False}}


def kept(scope: Scope, sticky: Sticky, live: Sticky, observed: Observed) -> Sticky:
    """As long as the live RayService (`live`) lets the head take requests, until the change is through and a worker can."""
    change = last(scope) or recorded(scope.child)  # the status may be lost
    through = not unfinished(change) and not observed.pending_cluster and observed.settled
    return replace(sticky, head_serves=live.head_serves and not (through and observed.endpoints >= _WITH_A_WORKER))


def release_in(scope: Scope, sticky: Sticky, change: Mapping[str, Any]) -> float | None:
    """Seconds until another look is due because the head is about to take no more requests, by the status that this look writes, with
    this lastChange: at once when it need not, since the echo of an own write makes no look; else when a worker should long have been
    an endpoint. None when it is not about to, or has nobody to hand over to. `sticky`: what is in force now."""
    if not sticky.head_serves:
        return None
    after = replace(scope, parent={**scope.parent, "status": {"lastChange": change}})
    if not kept(after, sticky, sticky, observe(scope.child)).head_serves:
        return AT_ONCE_SECONDS
    finished = str(change.get("finishedAt") or "")
    left = until(scope.now, later(finished, _HANDOVER_SECONDS)) if moment(finished) is not None else 0
    return left if left > 0 else None
