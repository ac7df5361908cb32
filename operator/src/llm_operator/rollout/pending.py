"""A Ray cluster under preparation that nobody wants any more.

No edit of a RayService makes KubeRay 1.6.2 give one up: it compares the wanted cluster with the pending one only, and makes
yet another when they differ (controllers/ray/rayservice_controller.go, shouldPrepareNewCluster), so that going back needs
room for a second cluster although the wanted one serves. It takes the name of the pending cluster from its own status, and
deletes clusters that are not named there: so the name is removed from the status, guarded by a test.
"""

from llm_operator.change.cluster import new_cluster_paths
from llm_operator.outcome import PendingDrop
from llm_operator.plan.inputs import Object, Scope
from llm_operator.rollout.incremental import stepwise
from llm_operator.rollout.rollback import MOST_DROPPED, Rollback
from llm_operator.status.observed import Observed


def _matches(scope: Scope, name: str, wanted: Object) -> bool | None:
    """Whether the live RayCluster is what KubeRay would make now; None when it is not there."""
    for cluster in scope.clusters:
        if cluster["metadata"]["name"] == name and "deletionTimestamp" not in cluster["metadata"]:
            return not new_cluster_paths(cluster.get("spec") or {}, wanted["spec"]["rayClusterConfig"])
    return None


def serves(scope: Scope, observed: Observed, wanted: Object) -> bool:
    """Whether the Ray cluster that serves is the wanted one, whatever the RayService says."""
    return bool(observed.active_cluster) and _matches(scope, observed.active_cluster, wanted) is True


def returns(scope: Scope, observed: Observed, wanted: Object) -> bool:
    """Whether the Ray cluster that serves is the wanted one, while another is being prepared."""
    return bool(observed.pending_cluster) and serves(scope, observed, wanted)


def drop(scope: Scope, observed: Observed, wanted: Object, back: Rollback | None) -> PendingDrop | None:
    """`wanted` is applied already. A pending cluster that is as wanted stays: KubeRay has a reason that is not ours; but for
    a rollback, where it may have come between the apply and this, at most MOST_DROPPED times."""
    if stepwise(scope.child) and observed.stepwise:
        return None  # KubeRay moves the requests back first (1.6.2, rayservice_controller.go, reconcileRollbackState)
    if not returns(scope, observed, wanted):
        return None
    name = observed.pending_cluster
    again = back is not None and name not in back.dropped and len(back.dropped) < MOST_DROPPED
    if _matches(scope, name, wanted) is False or again:
        return PendingDrop(name)
    return None
