"""What a worker's pod has between SIGTERM and the end of all in it, when it is deleted, evicted, or its node drained.

`ray start --block` is the pod's first process: it asks the GCS to drain the node, which makes Serve start the replicas elsewhere and
let the old ones end their requests, waits so long at the most, and then ends everything, also where the pod's own grace period is
longer (Ray 2.60.0, _private/node.py, _drain_node_before_shutdown). An edit of the pod is a new Ray cluster, and one of
gracefulShutdownSeconds is not: so a RayService keeps the number that it has (render/sticky.py) until a new Ray cluster comes anyway.
"""

from typing import Final

from llm_operator.plan.inputs import Object
from llm_operator.plan.plan import Plan
from llm_operator.plan.pods import Pairs
from llm_operator.render.versions import number

VARIABLE: Final = "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
RAY_SECONDS: Final = 30
"""Without the variable (Ray 2.60.0, _private/ray_constants.py)."""
_MARGIN_SECONDS: Final = 10
"""In which a replacement may come up: Serve stops the replica gracefulShutdownSeconds before the end at the latest (Ray 2.60.0,
serve/_private/deployment_state.py, _partition_groups_to_stop)."""
_TEARDOWN_SECONDS: Final = 30
"""Ray's own end after that took 20 s."""
_UNTIL_VERSION_3: Final = 120


def _drains(plan: Plan) -> bool:
    return number(plan.render_version) >= 3


def _seconds(plan: Plan) -> int:
    return plan.drain_seconds or max(RAY_SECONDS, plan.graceful_seconds + _MARGIN_SECONDS)


def drain_env(plan: Plan) -> Pairs:
    """Of workers. The head runs no replica."""
    return ((VARIABLE, str(_seconds(plan))),) if _drains(plan) else ()


def worker_grace_seconds(plan: Plan) -> int:
    """terminationGracePeriodSeconds of a worker's pod."""
    return _seconds(plan) + _TEARDOWN_SECONDS if _drains(plan) else _UNTIL_VERSION_3


def drain_of(rayservice: Object | None) -> int:
    """The variable's value, in seconds, in a live or rendered RayService. Total: 0 where there is none, or nonsense."""
    try:
        groups = rayservice["spec"]["rayClusterConfig"]["workerGroupSpecs"] if rayservice is not None else []
        env = groups[0]["template"]["spec"]["containers"][0]["env"] if groups else []
        found = next((int(each["value"]) for each in env if each["name"] == VARIABLE), 0)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return 0
    return max(0, found)


def seconds_until_the_end(rayservice: Object) -> int:
    """What a worker's pod of a live or rendered RayService has, without the variable too."""
    return drain_of(rayservice) or RAY_SECONDS
